"""The body of a request on its way to disk, in pieces of which each can be kept alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import http_exceptions, web

from services.converter.domain.tus import BeyondLength, BrokenOff, Checksum, ChecksumMismatch
from services.converter.upload import UploadStalled, steady

_BATCH = 1024 * 1024  # bytes written in one go, off the event loop
_BROKEN_OFF = (ConnectionError, web.RequestPayloadError, http_exceptions.HttpProcessingError)


async def pieces(
    request: web.Request, path: Path, *, room: int, size: int, checksum: Checksum | None
) -> AsyncGenerator[int, None]:
    """Write a body of up to ``room`` bytes into ``path`` piece by piece; yield each one's bytes.

    With a checksum it is one piece, and none if it was broken off. Without one, what came before
    it was is the last piece, and then the reason is raised: BrokenOff or UploadStalled. The piece
    that fills the room comes only when the body has ended. Raises BeyondLength, ChecksumMismatch.
    """
    piece = _Piece(path, checksum)
    taken = 0
    fault: Exception | None = None
    try:
        async for chunk in steady(_chunks(request)):
            taken += len(chunk)
            if taken > room:
                raise BeyondLength(f"There are only {room} bytes to come.")
            rest = memoryview(chunk)
            while checksum is None and len(rest) >= size - piece.size and taken < room:
                left = size - piece.size
                await piece.add(rest[:left])
                yield await piece.whole()
                rest = rest[left:]
            await piece.add(rest)
    except (BrokenOff, UploadStalled) as error:
        fault = error
    if checksum and fault:
        raise fault
    if piece.size or checksum:
        yield await piece.whole()
    if fault:
        raise fault


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.content.iter_any():
            yield chunk
    except _BROKEN_OFF as error:
        raise BrokenOff("The body could not be read to its end.") from error


class _Piece:
    """A file being written; hashed on the way if there is something to compare with."""

    def __init__(self, path: Path, checksum: Checksum | None) -> None:
        self.size = 0
        self._path = path
        self._checksum = checksum
        self._hash: Any = checksum.hash() if checksum else None
        self._batch = bytearray()
        self._fresh = True

    async def add(self, content: memoryview) -> None:
        """Take bytes in."""
        self.size += len(content)
        self._batch += content
        if len(self._batch) >= _BATCH:
            await self._write()

    async def whole(self) -> int:
        """The piece is in the file; the next begins. Raises ChecksumMismatch."""
        await self._write()
        if self._checksum and self._hash.digest() != self._checksum.digest:
            raise ChecksumMismatch(f"The bytes have another {self._checksum.algorithm}.")
        size, self.size, self._fresh = self.size, 0, True
        return size

    async def _write(self) -> None:
        batch, self._batch = bytes(self._batch), bytearray()
        await asyncio.to_thread(self._append, batch)
        self._fresh = False

    def _append(self, batch: bytes) -> None:
        with self._path.open("wb" if self._fresh else "ab") as file:
            file.write(batch)
        if self._hash:
            self._hash.update(batch)
