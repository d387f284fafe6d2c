"""The files of archives, in the blob store, next to the checkpoints and as immutable."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from services.audit.domain.archive import Archive
from services.audit.domain.chain import Fault, Head, Link, Seal, Verification
from services.audit.domain.merkle import BLOCK, leaf_hash
from shared.blobs.port import BlobNotFound, Blobs, Download, InvalidRange
from shared.contracts.refusal import Refusal

MEDIA_TYPE = "application/jsonl"

Row = dict[str, Any]


class ArchiveDamaged(Refusal):
    """The file of an archive is not what was written; verify the trail to see where."""

    code = "archive_damaged"
    status = 409
    title = "The archive is not what was written"


class ArchiveMissing(ArchiveDamaged):
    """The file of an archive is not there, or empty."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Writes and reads the files; ``work_dir`` is local scratch space.

    Every method may raise StorageUnavailable.
    """

    blobs: Blobs
    work_dir: Path

    async def put(self, key: str, source: Path) -> None:
        """Keep a file; the same entries always make the same file."""
        await self.blobs.put(key, source, content_type=MEDIA_TYPE)

    async def fetch(self, key: str, target: Path) -> None:
        """Read a file back. Raises BlobNotFound."""
        await self.blobs.fetch(key, target)

    @asynccontextmanager
    async def read(self, archive: Archive) -> AsyncIterator[Download]:
        """The file, to be passed on as it is. Raises ArchiveMissing."""
        try:
            async with self.blobs.read(archive.object_key) as download:
                yield download
        except (BlobNotFound, InvalidRange) as error:
            raise ArchiveMissing(f"{archive.object_key} is not in the store.") from error

    async def blocks(self, archive: Archive, after: int = 0) -> AsyncIterator[list[Row]]:
        """The entries with their hashes, a block of the tree at a time.

        Blocks that end at ``after`` or before are passed over. Raises ArchiveDamaged.
        """
        block: list[Row] = []
        passed_over = max(0, (after - archive.first + 1) // BLOCK)
        async for number, line in _numbered(self._lines(archive)):
            if number // BLOCK < passed_over:
                continue
            block.append(_row(line, archive))
            if len(block) == BLOCK:
                yield block
                block = []

    async def leaves(self, archive: Archive, block: int) -> list[bytes]:
        """The leaves of a block of the tree. Raises ArchiveDamaged."""
        async for rows in self.blocks(archive, block * BLOCK):
            return [leaf_hash(_hash(row, archive)) for row in rows]
        raise ArchiveDamaged(f"{archive.object_key} has no block {block}")

    async def head_at(self, archive: Archive, seq: int) -> Head:
        """Where the chain ended when it had ``seq`` entries. Raises ArchiveDamaged."""
        async for rows in self.blocks(archive, (seq - 1) // BLOCK * BLOCK):
            return Head(seq, _hash(rows[(seq - 1) % BLOCK], archive))
        raise ArchiveDamaged(f"{archive.object_key} has no entry {seq}")

    async def fault(self, archive: Archive, before: Head) -> Fault | None:
        """Whether the file is the one that was signed; if not, the first entry that is wrong."""
        try:
            digest = hashlib.sha256()
            async with self.read(archive) as download:
                async for chunk in download.chunks:
                    digest.update(chunk)
            if digest.digest() == archive.sha256:
                return None
            return await self._first_wrong(archive, before)
        except ArchiveMissing:
            return Fault(archive.first, "archive_missing", archive.last)

    async def _first_wrong(self, archive: Archive, before: Head) -> Fault:
        verification = Verification(before)
        async for line in self._lines(archive):
            link = _link(line)
            if link is None:
                return Fault(verification.head.size + 1, "edited")
            if fault := verification.check(link):
                return fault
        if verification.head.size < archive.last:
            return Fault(verification.head.size + 1, "missing")
        return Fault(archive.first, "archive_changed", archive.last)

    async def _lines(self, archive: Archive) -> AsyncIterator[bytes]:
        """The lines of entries; the one behind them is the checkpoint."""
        rest, left = b"", archive.entries
        async with self.read(archive) as download:
            async for chunk in download.chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in islice(lines, left):
                    yield line
                left -= len(lines)
                if left <= 0:
                    return


async def _numbered(lines: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    number = 0
    async for line in lines:
        yield number, line
        number += 1


def _row(line: bytes, archive: Archive) -> Row:
    try:
        row = orjson.loads(line)
    except ValueError as error:
        raise ArchiveDamaged(f"{archive.object_key}: {error}") from error
    if not isinstance(row, dict):
        raise ArchiveDamaged(f"{archive.object_key} holds what is no entry")
    return row


def _hash(row: Row, archive: Archive) -> bytes:
    try:
        return bytes.fromhex(row["hash"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveDamaged(f"{archive.object_key} holds an entry without a hash") from error


def _link(line: bytes) -> Link | None:
    """What is on a line; None where that is no entry."""
    try:
        row = orjson.loads(line)
        hashes = (bytes.fromhex(row.pop(name)) for name in ("prev_hash", "hash"))
        return Link(row["seq"], row, Seal(row["seq"], UUID(row["id"]), *hashes))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
