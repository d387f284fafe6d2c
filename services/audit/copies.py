"""Copies of checkpoints, kept where whoever can change the database cannot reach.

Every checkpoint is an object ``<tenant>/audit/checkpoints/<size>``, its size padded to 18 digits;
``<tenant>/audit/checkpoint`` is the newest of them. Keep the store where objects can be locked
against change (S3 Object Lock); nothing here ever replaces a checkpoint or deletes one.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

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
        try:
            if await self.note(tenant, size) != note:
                raise CopyDiffers(f"another checkpoint of {size} entries is kept")
        except BlobNotFound:
            await self._write(_key(tenant, size), note)
        await self._write(_newest_key(tenant), note)

    async def _read(self, key: str) -> str:
        try:
            async with self._blobs.read(key, end=_LONGEST_NOTE) as download:
                found = b"".join([chunk async for chunk in download.chunks])
        except InvalidRange:  # somebody emptied it
            return ""
        return found.decode(errors="replace")

    async def _write(self, key: str, note: str) -> None:
        self._work_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._work_dir) as file:
            file.write(note.encode())
            file.flush()
            await self._blobs.put(key, Path(file.name), content_type="text/plain; charset=utf-8")


def _key(tenant: str, size: int) -> str:
    return f"{tenant}/audit/checkpoints/{size:0{_DIGITS}}"


def _newest_key(tenant: str) -> str:
    return f"{tenant}/audit/checkpoint"
