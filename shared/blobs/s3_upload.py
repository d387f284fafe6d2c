"""Uploads to an S3-compatible store, whole or in parts.

The library's own transfer helper leaves its tasks and the unfinished upload behind when it is
cancelled; here an upload in parts ends completed or aborted, whatever happens in between.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from shared.blobs.port import StorageUnavailable
from shared.blobs.s3_errors import TROUBLE, translated

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

PART_SIZE = 8 * 1024 * 1024
"""Bytes in a part, and the most that is put at once; S3 takes 5 MiB to 5 GiB and 10,000 parts."""

_PARTS_AT_ONCE = 4
_PART_DEADLINE = 120.0  # seconds: a store that takes a byte a second is down
_ABORT_DEADLINE = 15.0


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload in parts that has begun and not ended."""

    key: str
    id: str
    at: datetime


class S3Uploads:
    """Writes files into a bucket; each body is guarded by its MD5, on the way and in the answer."""

    def __init__(self, client: S3Client, bucket: str, part_size: int = PART_SIZE) -> None:
        self._s3 = client
        self._bucket = bucket
        self._part_size = part_size
        self._aborts: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait for aborts under way."""
        await asyncio.gather(*self._aborts, return_exceptions=True)

    async def upload(self, key: str, file: BinaryIO, content_type: str) -> int:
        """Send an open file; return its size in bytes. Raises StorageUnavailable."""
        size = os.fstat(file.fileno()).st_size
        with translated():
            if size <= self._part_size:
                await self._put_whole(key, file, size, content_type)
            else:
                await self._put_in_parts(key, file, size, content_type)
        return size

    async def begun(self) -> list[Upload]:
        """Uploads in parts under way, or left behind by whoever began them."""
        pages = self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket)
        found: list[Upload] = []
        with suppress(self._s3.exceptions.NoSuchUpload):  # what some stores say where S3 says []
            async for page in pages:
                found += [
                    Upload(each["Key"], each["UploadId"], each["Initiated"])
                    for each in page.get("Uploads", [])
                ]
        return found

    async def forget(self, key: str, upload_id: str) -> None:
        """Abort an upload; one that is gone is no error."""
        with suppress(self._s3.exceptions.NoSuchUpload):
            await self._s3.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)

    async def _put_whole(self, key: str, file: BinaryIO, size: int, content_type: str) -> None:
        async with asyncio.timeout(_PART_DEADLINE):
            body = await asyncio.to_thread(os.pread, file.fileno(), size, 0)
            answer = await self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                ContentMD5=_content_md5(body),
            )
        _check_etag(key, body, answer)

    async def _put_in_parts(self, key: str, file: BinaryIO, size: int, content_type: str) -> None:
        async with self._begun(key, content_type) as upload_id:
            parts = await self._send_parts(key, upload_id, file, size)
            await self._s3.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
            )

    @asynccontextmanager
    async def _begun(self, key: str, content_type: str) -> AsyncIterator[str]:
        """The id of an upload that is aborted unless the block ends well, cancelled or not."""
        creating = asyncio.ensure_future(
            self._s3.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)
        )
        try:
            # Shielded, because a cancelled request may still have begun an upload.
            yield (await asyncio.shield(creating))["UploadId"]
        except BaseException:
            await asyncio.shield(self._abort(key, creating))
            raise

    def _abort(self, key: str, creating: asyncio.Future[Any]) -> asyncio.Task[None]:
        async def abort() -> None:
            with suppress(*TROUBLE):
                async with asyncio.timeout(_ABORT_DEADLINE):
                    await self.forget(key, (await creating)["UploadId"])

        task = asyncio.create_task(abort(), name=f"abort upload of {key}")
        self._aborts.add(task)
        task.add_done_callback(self._aborts.discard)
        return task

    async def _send_parts(
        self, key: str, upload_id: str, file: BinaryIO, size: int
    ) -> list[CompletedPartTypeDef]:
        room = asyncio.BoundedSemaphore(_PARTS_AT_ONCE)

        async def send(number: int, offset: int) -> CompletedPartTypeDef:
            async with room, asyncio.timeout(_PART_DEADLINE):
                body = await asyncio.to_thread(os.pread, file.fileno(), self._part_size, offset)
                answer = await self._s3.upload_part(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=body,
                    ContentMD5=_content_md5(body),
                )
            _check_etag(key, body, answer)
            return {"PartNumber": number, "ETag": answer["ETag"]}

        offsets = range(0, size, self._part_size)
        try:
            async with asyncio.TaskGroup() as group:
                sending = [group.create_task(send(n, at)) for n, at in enumerate(offsets, 1)]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [task.result() for task in sending]


def _content_md5(body: bytes) -> str:
    """Lets the store refuse a damaged body (RFC 1864)."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _check_etag(key: str, body: bytes, answer: Any) -> None:
    """Raises StorageUnavailable if the etag is the MD5 of other bytes."""
    etag = answer["ETag"].strip('"')
    if answer.get("ServerSideEncryption") or len(etag) != 32:
        return
    if etag != hashlib.md5(body, usedforsecurity=False).hexdigest():
        raise StorageUnavailable(f"{key} was damaged on its way to the store")
