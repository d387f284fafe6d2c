"""Writes the file of an archive, reads it back, and believes only what it reads."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.audit import ledger
from services.audit.domain import archive as rules
from services.audit.domain import checkpoint as notes
from services.audit.domain.chain import Fault, Head, Verification
from services.audit.domain.checkpoint import Checkpoint
from services.audit.domain.merkle import Tree, leaf_hash
from services.audit.export import line_of, row_of
from services.audit.nameless import nameless
from services.audit.notary import TrailBroken
from services.audit.offline import BadLine, verify_file
from services.audit.shelf import Shelf
from services.audit.verify import Start, proof_of
from shared.blobs.port import BlobNotFound
from shared.contracts.context import Context
from shared.db import Database

_STEP = 250


class ArchiveDiffers(Exception):
    """What was read back is not what was written."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of entries from ``first`` up to the checkpoint, whose ``note`` it ends with."""

    first: int
    checkpoint: Checkpoint
    note: str
    key: str
    sha256: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes one archive of one chain."""

    database: Database
    shelf: Shelf
    key: Ed25519PrivateKey
    context: Context

    async def write(self, start: Start, last: int, signed: str, before: str | None) -> Written:
        """Archive the entries behind ``start`` up to ``last``.

        They must be what the newest checkpoint ``signed``; ``before`` is that of the archive
        before. Raises TrailBroken, ArchiveDiffers or StorageUnavailable.
        """
        first, walked = start.head.size + 1, Verification(start.head)
        work_dir = self.shelf.work_dir
        with nameless(work_dir) as (file, path), nameless(work_dir) as (_, read_back):
            digest = hashlib.sha256()
            async for line in self._entries(walked, start.tree, last):
                file.write(line)
                digest.update(line)
            checkpoint = await self._checkpoint(walked.head, start.tree, last, signed)
            note = notes.sign(checkpoint, self.key)
            end = line_of({"checkpoint": note} | ({"follows": before} if before else {}))
            file.write(end)
            digest.update(end)
            file.flush()
            key = rules.name(checkpoint.tenant, first, checkpoint.size, checkpoint.hash)
            await self.shelf.put(key, path)
            written = Written(first, checkpoint, note, key, digest.digest(), path.stat().st_size)
            await self._read_back(written, read_back)
        return written

    async def _entries(self, walked: Verification, tree: Tree, last: int) -> AsyncIterator[bytes]:
        """The lines of entries, verified link by link."""
        for below in range(walked.head.size, last, _STEP):
            async with self.database.transaction(self.context) as tx:
                links = await ledger.links(tx, below, min(below + _STEP, last))
            for link in links:
                if fault := walked.check(link):
                    raise TrailBroken(fault)
                tree.append(leaf_hash(walked.head.hash))
                yield line_of(row_of(link))

    async def _checkpoint(self, head: Head, tree: Tree, last: int, signed: str) -> Checkpoint:
        """What is vouched for behind the last entry, if the newest checkpoint covers it."""
        newest = notes.read(signed, self.context.tenant, self.key.public_key())
        if head.size != last:
            raise TrailBroken(Fault(head.size + 1, "missing"))
        async with self.database.transaction(self.context) as tx:
            if await proof_of(tx, newest, head) is None:
                raise TrailBroken(Fault(last, "rewritten", newest.size))
        return Checkpoint(self.context.tenant, last, tree.root(), head.hash)

    async def _read_back(self, written: Written, target: Path) -> None:
        """Look at the bytes, the hashes and the chain of what is in the store now."""
        try:
            await self.shelf.fetch(written.key, target)
            await asyncio.to_thread(_hold_against, target, written, self.key.public_key())
        except (BlobNotFound, BadLine) as error:
            raise ArchiveDiffers(f"{written.key}: {error}") from error


def _hold_against(target: Path, written: Written, key: Ed25519PublicKey) -> None:
    with target.open("rb") as file:
        if hashlib.file_digest(file, "sha256").digest() != written.sha256:
            raise ArchiveDiffers(f"{written.key} has other bytes than were written")
    verified = verify_file(target, key)
    entries = written.checkpoint.size - written.first + 1
    if (verified.checkpoint, verified.entries) != (written.checkpoint, entries):
        raise ArchiveDiffers(f"{written.key} holds other entries than were written")
