"""Copies of checkpoints, kept where whoever can change the database cannot reach.

Every checkpoint is an object ``<tenant>/audit/checkpoints/<size>``, its size padded to 18 digits;
``<tenant>/audit/checkpoint`` is the newest of them. Keep the store where objects can be locked
against change (S3 Object Lock); nothing here ever replaces a checkpoint. Those of a part of the
chain that was lost, for which somebody vouched, are moved to
``<tenant>/audit/set-aside/<id>/<size>``, after the statement about them was written to
``<tenant>/audit/restorations/<id>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from services.audit.nameless import nameless
from shared.blobs.port import BlobNotFound, Blobs, InvalidRange

_LONGEST_NOTE = 4096
_DIGITS = 18


class CopyDiffers(Exception):
    """Another checkpoint of the same size is kept already."""


class Copies:
    """The copies in the blob store. Every method may raise StorageUnavailable."""

    def __init__(self, blobs: Blobs, work_dir: Path) -> None:
        self._blobs = blobs
        self._work_dir = work_dir

    async def sizes(self, tenant: str) -> list[int]:
        """The sizes of all that are kept, ascending; what is not named by a size is none."""
        prefix = f"{tenant}/audit/checkpoints/"
        names = [blob.key.removeprefix(prefix) async for blob in self._blobs.list(prefix)]
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    async def note(self, tenant: str, size: int) -> str:
        """The copy of one size. Raises BlobNotFound."""
        return await self._read(_key(tenant, size))

    async def newest(self, tenant: str) -> str | None:
        """The newest copy, read without looking at all others."""
        try:
            return await self._read(_newest_key(tenant))
        except BlobNotFound:
            sizes = await self.sizes(tenant)
            return await self.note(tenant, sizes[-1]) if sizes else None

    async def keep(self, tenant: str, size: int, note: str) -> None:
        """Keep a checkpoint that is newer than all others. Raises CopyDiffers."""
        await self.keep_earlier(tenant, size, note)
        await self._write(_newest_key(tenant), note)

    async def keep_earlier(self, tenant: str, size: int, note: str) -> None:
        """Keep a checkpoint that others may be newer than. Raises CopyDiffers."""
        try:
            if await self.note(tenant, size) != note:
                raise CopyDiffers(f"another checkpoint of {size} entries is kept")
        except BlobNotFound:
            await self._write(_key(tenant, size), note)

    async def set_aside(
        self, tenant: str, ident: UUID, statement: str, sizes: Sequence[int]
    ) -> None:
        """Move copies to where the restoration with this id has its own, its statement first.

        May be done again after it was cut short.
        """
        await self._write(f"{tenant}/audit/restorations/{ident}", statement)
        for size in sizes:
            note = await self.note(tenant, size)
            await self._write(f"{tenant}/audit/set-aside/{ident}/{size:0{_DIGITS}}", note)
            await self._blobs.delete(_key(tenant, size))
        left = await self.sizes(tenant)
        if left:
            await self._write(_newest_key(tenant), await self.note(tenant, left[-1]))
        else:
            await self._blobs.delete(_newest_key(tenant))

    async def statements(self, tenant: str) -> list[str]:
        """What was stated of parts of the chain that were lost."""
        prefix = f"{tenant}/audit/restorations/"
        keys = [blob.key async for blob in self._blobs.list(prefix)]
        return [await self._read(key) for key in keys]

    async def _read(self, key: str) -> str:
        try:
            async with self._blobs.read(key, end=_LONGEST_NOTE) as download:
                found = b"".join([chunk async for chunk in download.chunks])
        except InvalidRange:  # somebody emptied it
            return ""
        return found.decode(errors="replace")

    async def _write(self, key: str, note: str) -> None:
        with nameless(self._work_dir) as (file, path):
            file.write(note.encode())
            file.flush()
            await self._blobs.put(key, path, content_type="text/plain; charset=utf-8")


def _key(tenant: str, size: int) -> str:
    return f"{tenant}/audit/checkpoints/{size:0{_DIGITS}}"


def _newest_key(tenant: str) -> str:
    return f"{tenant}/audit/checkpoint"
