"""Blobs in an S3-compatible store.

Only what every compatible store offers is used: puts whole and in parts, ranges, listings and
Content-MD5.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import structlog
from botocore.exceptions import ClientError

from shared.blobs.port import Blob, BlobNotFound, Download, StorageUnavailable
from shared.blobs.rules import CHUNK, check_key, check_prefix, check_range, content_type_of
from shared.blobs.s3_errors import TROUBLE, http_status, translated
from shared.blobs.s3_upload import PART_SIZE, S3Uploads

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

PAGE = 1000
"""Keys in one answer of a listing, the most that S3 gives."""

_DOWNLOAD_ATTEMPTS = 3

_LONGEST_PAUSE = 10.0
"""Seconds between two attempts to make the bucket of a store that is away."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where the bucket is. ``public_endpoint`` is the store's address as browsers see it."""

    bucket: str
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key: str | None = None
    secret_key: str | None = None
    public_endpoint: str | None = None


class S3Blobs:
    """The port on one bucket, created at ``open`` if it is missing."""

    def __init__(self, settings: S3Settings, *, part_size: int = PART_SIZE) -> None:
        self._settings = settings
        self._bucket = settings.bucket
        self._part_size = part_size
        self._clients = AsyncExitStack()
        self._s3: S3Client
        self._uploads: S3Uploads
        self._public: S3Client | None = None
        self._preparing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and make the bucket; if the store is away, as soon as it is back."""
        self._s3 = await self._client(self._settings.endpoint)
        self._uploads = S3Uploads(self._s3, self._bucket, self._part_size)
        if self._settings.public_endpoint:
            self._public = await self._client(self._settings.public_endpoint)
        if not await self._prepared():
            self._preparing = asyncio.create_task(self._prepare_later(), name="make bucket")

    async def close(self) -> None:
        """Let aborts under way finish, then release the connections."""
        if self._preparing:
            self._preparing.cancel()
            await asyncio.gather(self._preparing, return_exceptions=True)
        await self._uploads.close()
        await self._clients.aclose()

    async def put(
        self,
        key: str,
        source: Path,
        *,
        content_type: str,
        give: bool = False,  # noqa: ARG002
    ) -> Blob:
        """Upload a file, in parts if it is large, and check that the store has all of it."""
        check_key(key)
        with source.open("rb") as file:
            size = await self._uploads.upload(key, file, content_type)
        blob = await self.stat(key)
        if blob.size != size:
            raise StorageUnavailable(f"{key} has {blob.size} bytes in the store, not {size}")
        return blob

    async def stat(self, key: str) -> Blob:
        """Raises BlobNotFound."""
        with translated(check_key(key)):
            head = await self._s3.head_object(Bucket=self._bucket, Key=key)
        return _blob(key, head, head["ContentLength"])

    @asynccontextmanager
    async def read(
        self, key: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Download]:
        """Stream a range. Raises BlobNotFound or InvalidRange."""
        async with self._opened(key, start, end) as download:
            yield download

    async def fetch(self, key: str, target: Path) -> Blob:
        """Download into a file, resuming when the stream breaks; target trouble is an OSError."""
        blob = await self.stat(key)
        with target.open("wb") as file:
            for attempt in range(_DOWNLOAD_ATTEMPTS):
                try:
                    await self._fetch_rest(blob, file)
                    break
                except StorageUnavailable:
                    if attempt == _DOWNLOAD_ATTEMPTS - 1:
                        raise
        return blob

    async def delete(self, key: str) -> None:
        """S3 does not mind deleting what is not there."""
        with suppress(BlobNotFound), translated(check_key(key)):
            await self._s3.delete_object(Bucket=self._bucket, Key=key)

    async def list(self, prefix: str) -> AsyncIterator[Blob]:
        """Every blob whose key begins with ``prefix``; listings carry no content types."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=check_prefix(prefix), PaginationConfig={"PageSize": PAGE}
        )
        with translated():
            async for page in pages:
                for found in page.get("Contents", []):
                    key = found["Key"]
                    listed = {**found, "ContentType": content_type_of(key)}
                    yield _blob(key, listed, found["Size"])

    async def sweep(self, older_than: float) -> int:
        """Abort uploads in parts that began ``older_than`` seconds ago and never ended."""
        before = datetime.now(UTC) - timedelta(seconds=older_than)
        with translated():
            dangling = [each for each in await self._uploads.begun() if each.at <= before]
            for upload in dangling:
                await self._uploads.forget(upload.key, upload.id)
        return len(dangling)

    async def presign(self, key: str, *, seconds: int, content_type: str) -> str | None:
        """A URL at the public endpoint; None if the store has none."""
        check_key(key)
        if self._public is None:
            return None
        wanted = {"Bucket": self._bucket, "Key": key, "ResponseContentType": content_type}
        return await self._public.generate_presigned_url("get_object", wanted, ExpiresIn=seconds)

    async def reachable(self) -> bool:
        """Whether the bucket answers within two seconds."""
        try:
            async with asyncio.timeout(2):
                await self._s3.head_bucket(Bucket=self._bucket)
        except TROUBLE:
            return False
        return True

    async def _client(self, endpoint: str | None) -> S3Client:
        import aioboto3  # noqa: PLC0415 - takes half a second, and most installs never need it
        from aiobotocore.config import AioConfig  # noqa: PLC0415

        config = AioConfig(
            signature_version="s3v4",
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=32,
            retries={"mode": "standard", "total_max_attempts": 4},
            # Compatible stores do not all know the newer trailing checksums; Content-MD5 they do.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if endpoint else "auto"},
        )
        client = aioboto3.Session().client(
            "s3",
            endpoint_url=endpoint,
            region_name=self._settings.region,
            aws_access_key_id=self._settings.access_key,
            aws_secret_access_key=self._settings.secret_key,
            config=config,
        )
        opened: S3Client = await self._clients.enter_async_context(client)
        return opened

    async def _prepare_later(self) -> None:
        pause = 1.0
        while not await self._prepared():
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _prepared(self) -> bool:
        try:
            with translated():
                await self._make_bucket()
        except StorageUnavailable as error:
            log.warning("storage_away", bucket=self._bucket, error=str(error))
            return False
        return True

    async def _make_bucket(self) -> None:
        try:
            await self._s3.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if http_status(error) != 404:
                raise
            elsewhere: Any = {}
            if self._settings.region != "us-east-1":
                place = {"LocationConstraint": self._settings.region}
                elsewhere = {"CreateBucketConfiguration": place}
            with suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
                await self._s3.create_bucket(Bucket=self._bucket, **elsewhere)

    @asynccontextmanager
    async def _opened(
        self, key: str, start: int, end: int | None, **conditions: str
    ) -> AsyncIterator[Download]:
        check_key(key)
        check_range(start, end)
        wanted: Any = {"Bucket": self._bucket, "Key": key, **conditions}
        if start or end is not None:
            wanted["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        with translated(key):
            answer = await self._s3.get_object(**wanted)
        length = answer["ContentLength"]
        size = int(answer.get("ContentRange", f"/{length}").rpartition("/")[2])
        async with answer["Body"]:
            yield Download(_blob(key, answer, size), start, length, _chunks(answer["Body"]))

    async def _fetch_rest(self, blob: Blob, file: BinaryIO) -> None:
        """Continue where the file ends, with the very blob it was begun with."""
        start = file.tell()
        if start >= blob.size:
            return
        async with self._opened(blob.key, start, None, IfMatch=f'"{blob.etag}"') as download:
            async for chunk in download.chunks:
                await asyncio.to_thread(file.write, chunk)


def _blob(key: str, answer: Any, size: int) -> Blob:
    modified = answer["LastModified"].astimezone(UTC)  # its own kind of UTC no formatter knows
    return Blob(key, size, answer["ContentType"], answer["ETag"].strip('"'), modified)


async def _chunks(body: Any) -> AsyncIterator[bytes]:
    with translated():
        async for chunk in body.iter_chunks(CHUNK):
            yield chunk
