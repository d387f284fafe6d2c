"""Verifying a stored chain: whole, in part, one entry, and against what was signed of it.

What is archived was signed as well: the chain in the database begins where the newest archive ends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit import archives, ledger
from services.audit.copies import Copies
from services.audit.domain import checkpoint as notes
from services.audit.domain.archive import Archive, ForgedArchive
from services.audit.domain.chain import GENESIS, Fault, Head, Seal, Verification
from services.audit.domain.checkpoint import Checkpoint, ForgedCheckpoint
from services.audit.domain.merkle import BLOCK, Tree, leaf_hash, root_by_inclusion
from shared.blobs.port import BlobNotFound
from shared.db import Tx

_STEP = 250
"""Links read and hashed at a time: about 5 ms in which the process does nothing else."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many entries were looked at, the first fault if any, and the head up to there."""

    entries: int
    fault: Fault | None
    head: Head


@dataclass(frozen=True, slots=True)
class Kept:
    """Checkpoints that are kept in one place: their sizes, ascending, and how to open one.

    ``open`` raises ForgedCheckpoint.
    """

    sizes: Sequence[int]
    open: Callable[[int], Awaitable[Checkpoint]]


@dataclass(frozen=True, slots=True)
class Start:
    """Where the chain in the database begins, and the tree over what is archived before."""

    head: Head = field(default_factory=Head)
    tree: Tree = field(default_factory=Tree)


HeadAt = Callable[[Tx, int], Awaitable[Head | None]]
"""Where the chain ended when it had so many entries; None if there is no such entry."""


def given(checkpoints: Sequence[Checkpoint]) -> Kept:
    """Checkpoints that somebody brought along."""
    by_size = {checkpoint.size: checkpoint for checkpoint in checkpoints}

    async def open_given(size: int) -> Checkpoint:
        return by_size[size]

    return Kept(sorted(by_size), open_given)


async def kept_outside(copies: Copies, tenant: str, key: Ed25519PublicKey) -> Kept:
    """All copies. List them before the snapshot that they are compared with is taken."""

    async def open_copy(size: int) -> Checkpoint:
        try:
            note = await copies.note(tenant, size)
        except BlobNotFound as error:
            raise ForgedCheckpoint("The copy was taken away.") from error
        return _read(note, size, tenant, key)

    return Kept(await copies.sizes(tenant), open_copy)


async def kept_inside(tx: Tx, key: Ed25519PublicKey) -> Kept:
    """All checkpoints in the database."""

    async def open_own(size: int) -> Checkpoint:
        return _read(await ledger.note(tx, size), size, tx.context.tenant, key)

    return Kept(await ledger.checkpoint_sizes(tx), open_own)


def _read(note: str, size: int, tenant: str, key: Ed25519PublicKey) -> Checkpoint:
    checkpoint = notes.read(note, tenant, key)
    if checkpoint.size != size:
        raise ForgedCheckpoint("The checkpoint lies in the place of another.")
    return checkpoint


async def resumed(tx: Tx, floor: Archive | None, key: Ed25519PublicKey) -> Start | Fault:
    """Where the chain goes on behind the newest archive that left the database, as it was signed.

    The roots of blocks that stayed are held against the archives' checkpoints.
    """
    if floor is None:
        return Start()
    roots = await ledger.blocks(tx, floor.last // BLOCK)
    if _wrong(roots, floor, tx.context.tenant, key) is None:
        return Start(Head(floor.last, floor.hash), Tree(roots))
    every = await archives.every(tx)
    faults = (_wrong(roots, archive, tx.context.tenant, key) for archive in every)
    return next(filter(None, faults), Fault(floor.first, "archive_forged", floor.last))


def _wrong(
    roots: Sequence[bytes], archive: Archive, tenant: str, key: Ed25519PublicKey
) -> Fault | None:
    """What is wrong with what is stored of an archive, if anything: who signed it, or its tree."""
    count = archive.last // BLOCK
    try:
        signed = archive.vouched(tenant, key)
    except ForgedArchive:
        return Fault(archive.first, "archive_forged", archive.last)
    if len(roots) < count or Tree(roots[:count]).root() != signed.root:
        return Fault(archive.first, "tree_changed", archive.last)
    return None


async def verify(
    tx: Tx, *kept: Kept, start: Start | None = None, head_at: HeadAt = ledger.head_at
) -> Verdict:
    """Walk along the whole chain, and hold it against everything that was signed of it.

    ``tx`` is a snapshot: what is added meanwhile belongs to the next verification. What lies
    before ``start`` is archived, and verified elsewhere; it counts.
    """
    start = start or Start()
    extent = await ledger.extent(tx)
    verification, tree = Verification(start.head), start.tree
    # From the lowest number that is stored: one below the first has no place in a chain.
    first = min(extent.first - 1, start.head.size) if extent.last else start.head.size
    fault = await walk(tx, verification, first, extent.last, tree)
    head = verification.head
    found = [fault]
    found += [await _disagreement(head_at, tx, each, head, whole=not fault) for each in kept]
    found.append(await _changed_block(tx, tree))
    fault = min(filter(None, found), key=lambda each: each.seq, default=None)
    return Verdict(start.head.size + extent.entries, fault, head)


async def verify_range(tx: Tx, checkpoint: Checkpoint, first: int, last: int | None) -> Verdict:
    """Walk from one entry to another, as far as they were signed, and hold the end against that."""
    last = min(last or checkpoint.size, checkpoint.size)
    start = await ledger.head_at(tx, first - 1)
    if start is None:
        return Verdict(0, Fault(first - 1, "seal_missing"), Head())
    verification = Verification(start)
    fault = await walk(tx, verification, first - 1, last)
    head = verification.head
    if not fault and head.size >= first:
        proof = await proof_of(tx, checkpoint, head)
        fault = None if proof is not None else Fault(head.size, "rewritten", checkpoint.size)
    return Verdict(head.size - start.size, fault, head)


async def verify_entry(tx: Tx, seq: int) -> Seal | Fault:
    """The seal of one entry, or what is wrong with the entry by itself."""
    links = await ledger.links(tx, seq - 1, seq)
    if not links:
        return Fault(seq, "missing")
    seal = links[0].seal
    verification = Verification(Head(seq - 1, seal.prev_hash if seal else GENESIS))
    fault = verification.check(links[0])
    return fault or seal or Fault(seq, "seal_missing")


async def proof_of(tx: Tx, checkpoint: Checkpoint, head: Head) -> list[bytes] | None:
    """The proof that the entry at which the chain had this head was signed; None if it was not."""
    tree = await ledger.tree(tx, checkpoint.size)
    if tree.size != checkpoint.size:
        return None
    index = head.size - 1
    leaves = await ledger.leaves(tx, index // BLOCK, checkpoint.size)
    proof = tree.inclusion(index, leaves)
    root = root_by_inclusion(index, checkpoint.size, leaf_hash(head.hash), proof)
    return proof if root == checkpoint.root else None


async def walk(
    tx: Tx, verification: Verification, after: int, last: int, tree: Tree | None = None
) -> Fault | None:
    """Verify the links above ``after``; what holds is added to the ``tree``."""
    for below in range(after, last, _STEP):
        links = await ledger.links(tx, below, min(below + _STEP, last))
        if not links:  # an entry with an absurd number may be far away
            break
        for link in links:
            if fault := verification.check(link):
                return fault
            if tree is not None:
                tree.append(leaf_hash(verification.head.hash))
    if verification.head.size < last:
        return Fault(verification.head.size + 1, "missing")
    return None


async def _disagreement(
    head_at: HeadAt, tx: Tx, kept: Kept, head: Head, *, whole: bool
) -> Fault | None:
    """The first place at which checkpoints and chain part; ``whole`` if the chain ends at head."""
    if not kept.sizes:
        return None
    within = [size for size in kept.sizes if size <= head.size]
    newest = kept.sizes[-1]
    try:
        if within and not await _agrees(head_at, tx, kept, within[-1]):
            return await _parting(head_at, tx, kept, within)
        if whole and newest > head.size:
            await kept.open(newest)
            return Fault(head.size + 1, "truncated", newest)
    except ForgedCheckpoint:
        return Fault(newest, "checkpoint_forged", newest)
    return None


async def _parting(head_at: HeadAt, tx: Tx, kept: Kept, sizes: Sequence[int]) -> Fault:
    """Where the chain left what was signed; each checkpoint covers all before, so one bisects."""
    agreeing, parted = -1, len(sizes) - 1
    while parted - agreeing > 1:
        middle = (agreeing + parted) // 2
        if await _agrees(head_at, tx, kept, sizes[middle]):
            agreeing = middle
        else:
            parted = middle
    first = sizes[agreeing] + 1 if agreeing >= 0 else 1
    return Fault(first, "rewritten", sizes[parted])


async def _agrees(head_at: HeadAt, tx: Tx, kept: Kept, size: int) -> bool:
    return await head_at(tx, size) == (await kept.open(size)).head


async def _changed_block(tx: Tx, tree: Tree) -> Fault | None:
    """Proofs are made from the stored blocks; the first that is not what the chain makes it."""
    stored = await ledger.blocks(tx, len(tree.blocks))
    for block, (root, computed) in enumerate(zip(stored, tree.blocks, strict=False)):
        if root != computed:
            return Fault(block * BLOCK + 1, "tree_changed", (block + 1) * BLOCK)
    return None
