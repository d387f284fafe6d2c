"""What can be done with a resumable upload."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from aiohttp import web

from services.converter.domain.probe import INPUT, Unconvertible
from services.converter.domain.tus import BeyondLength, Checksum, Metadata
from services.converter.intake import Intake, Queue
from services.converter.resumable import rows
from services.converter.resumable.body import pieces
from services.converter.resumable.rows import Part, Upload
from services.converter.resumable.sweeping import PartsBroom, prefix
from services.converter.scratch import Scratch
from services.converter.upload import (
    BEGINNING,
    EmptyUpload,
    Received,
    check_beginning,
    received,
    too_large,
)
from shared.blobs.port import BlobNotFound, Blobs, StorageUnavailable
from shared.contracts.context import Context
from shared.contracts.refusal import Refusal
from shared.db import Database, Tx
from shared.runtime.ids import NewId

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

PIECE = 8 * 1024 * 1024
"""Bytes after which what came is made safe, in the middle of a request."""

_COPIED_AT_ONCE = 1024 * 1024


class PartsLost(Unconvertible):
    """What was stored of the upload is gone."""

    code = "parts_lost"


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes videos in pieces, over any number of requests to any number of replicas."""

    database: Database
    blobs: Blobs
    scratch: Scratch
    intake: Intake
    broom: PartsBroom
    new_id: NewId
    most: int
    piece: int = PIECE
    """``most`` uploads of a tenant may be under way at once."""

    @property
    def limit(self) -> int:
        """The most bytes a file may have."""
        return self.intake.limit

    async def begin(self, tx: Tx, length: int, metadata: Metadata) -> Upload:
        """Announce an upload. Raises TooLarge, EmptyUpload or TooManyUploads."""
        if length > self.limit:
            raise too_large(self.limit)
        if not length:
            raise EmptyUpload("The file has no bytes.")
        return await rows.begin(tx, length, metadata, most=self.most)

    async def find(self, context: Context, ident: UUID) -> Upload:
        """How far an upload is. Raises UploadNotFound or UploadGone."""
        async with self.database.transaction(context) as tx:
            return await rows.find(tx, ident)

    async def terminate(self, context: Context, ident: UUID) -> None:
        """End an upload and free what it holds; an asset it has become stays. Raises as find."""
        async with self.database.transaction(context) as tx:
            await rows.terminate(tx, ident)
        await self.broom.clean(context.tenant, ident)

    async def append(
        self,
        context: Context,
        ident: UUID,
        offset: int,
        request: web.Request,
        checksum: Checksum | None,
    ) -> Upload:
        """Take what a request brings; with the last byte the upload becomes an asset.

        Raises OffsetMismatch, BeyondLength, ChecksumMismatch, UploadStalled, BrokenOff, what
        ``find`` does, and whatever the intake refuses: that ends the upload.
        """
        upload = await self.find(context, ident)
        if offset != upload.offset:
            raise rows.mismatch(upload, offset)
        room = upload.length - offset
        if (request.content_length or 0) > room:
            raise BeyondLength(f"There are only {room} bytes to come.")
        with self.scratch.directory() as directory:
            spool = directory / "piece"
            body = pieces(request, spool, room=room, size=self.piece, checksum=checksum)
            async with aclosing(body) as arriving:
                async for size in arriving:
                    upload = await self._take(context, upload, spool, size)
        return upload

    async def _take(self, context: Context, upload: Upload, spool: Path, size: int) -> Upload:
        if not size:
            return upload
        try:
            if upload.offset + size == upload.length:
                return await self._finish(context, upload, spool)
            if not upload.offset and size >= BEGINNING:
                check_beginning(_first_bytes(spool))
        except Unconvertible as refusal:
            await self._refuse(context, upload, refusal)
            raise
        return await self._keep(context, upload, spool, size)

    async def _keep(self, context: Context, upload: Upload, spool: Path, size: int) -> Upload:
        """Store a part, then commit it; one that does not follow any more is removed again."""
        name = f"{upload.offset:015d}-{self.new_id().hex}"
        part = Part(upload.offset, size, prefix(context.tenant, upload.id) + name)
        kind = "application/octet-stream"
        await self.blobs.put(part.object_key, spool, content_type=kind, give=True)
        try:
            async with self.database.transaction(context) as tx:
                return await rows.extend(tx, upload, part)
        except Refusal:
            await self.blobs.delete(part.object_key)
            raise

    async def _finish(self, context: Context, upload: Upload, last: Path) -> Upload:
        """Put the parts together and take the whole in, as if it had come at once."""
        with self.scratch.directory() as directory:
            whole = await self._assemble(context, upload, last, directory)

            async def commit(queue: Queue) -> None:
                async with self.database.transaction(context) as tx:
                    asset = await queue(tx)
                    await rows.complete(tx, upload, asset["id"])

            await self.intake.keep(context, directory, whole, commit)
        await self.broom.clean(context.tenant, upload.id)
        return await self.find(context, upload.id)

    async def _assemble(
        self, context: Context, upload: Upload, last: Path, directory: Path
    ) -> Received:
        async with self.database.transaction(context) as tx:
            parts = await rows.parts(tx, upload.id)
        target, fetched, digest = directory / INPUT, directory / "part", hashlib.sha256()
        for part in parts:
            if part.start >= upload.offset:
                break  # another request's, which has overtaken this one
            try:
                await self.blobs.fetch(part.object_key, fetched)
            except BlobNotFound as error:
                raise PartsLost("Parts of the upload were lost; begin it anew.") from error
            await asyncio.to_thread(_append, fetched, target, digest)
        await asyncio.to_thread(_append, last, target, digest)
        fetched.unlink(missing_ok=True)
        check_beginning(_first_bytes(target))
        told, size = upload.metadata, target.stat().st_size
        if size != upload.length:
            raise StorageUnavailable(f"the parts of {upload.id} are {size} bytes together")
        return received(told.filename, told.title, size, digest.hexdigest())

    async def _refuse(self, context: Context, upload: Upload, refusal: Unconvertible) -> None:
        """End the upload with the reason. Raises OffsetMismatch or UploadGone if it moved on."""
        async with self.database.transaction(context) as tx:
            await rows.refuse(tx, upload, refusal.detail)
        await self.broom.clean(context.tenant, upload.id)


def _append(source: Path, target: Path, digest: Hash) -> None:
    """Add a file to the end of another, hashing it on the way."""
    with source.open("rb") as reader, target.open("ab") as writer:
        while chunk := reader.read(_COPIED_AT_ONCE):
            digest.update(chunk)
            writer.write(chunk)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BEGINNING)
