"""Answers the question whether the trail holds: all of it, a part, or one entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.audit import archives, ledger, restorations
from services.audit.domain import checkpoint as notes
from services.audit.domain.archive import Archive, ForgedArchive
from services.audit.domain.chain import Fault, Head
from services.audit.domain.checkpoint import Checkpoint
from services.audit.domain.merkle import BLOCK, Tree
from services.audit.domain.restoration import loss_told
from services.audit.notary import Notary, TrailBroken
from services.audit.shelf import ArchiveDamaged, Shelf
from services.audit.verify import (
    Kept,
    Verdict,
    given,
    kept_inside,
    kept_outside,
    proof_of,
    resumed,
    verify,
    verify_entry,
    verify_range,
)
from services.audit.views import Consistency, Inclusion, Verified
from shared.contracts.context import Context
from shared.contracts.refusal import Refusal
from shared.db import Database, Tx

_FORGED = Fault(1, "checkpoint_forged")


class EntryNotFound(Refusal):
    """The trail has no entry with this number yet."""

    code = "entry_not_found"
    status = 404
    title = "Entry not found"


class EntryArchived(Refusal):
    """The entry is not in the database any more, but in an archive, which proves itself."""

    code = "entry_archived"
    status = 409
    title = "The entry is archived"


@dataclass(frozen=True, slots=True)
class Examination:
    """Looks at one tenant's trail, with a checkpoint that is signed for the purpose."""

    database: Database
    notary: Notary
    shelf: Shelf
    context: Context

    async def whole(self, notes_brought: Sequence[str] = (), *, archived: bool = True) -> Verified:
        """The chain from end to end, against all that was ever signed. Raises ForgedCheckpoint.

        Unless ``archived``, the files of archives are not read, and what is said of them believed.
        """
        tenant, key = self.context.tenant, self.notary.key.public_key()
        brought = sorted((notes.read(each, tenant, key) for each in notes_brought), key=_size)
        note, refused = await self._sign()
        outside = await kept_outside(self.notary.copies, tenant, key)
        forgotten = [loss_told(each, tenant, key) for each in await self.forgotten()]
        known: list[Archive] = []
        in_archive = await self._fault_in_archives(known, read=archived)
        async with self.database.snapshot(self.context) as tx:
            verdict = await self._verify(tx, given(brought), outside, await kept_inside(tx, key))
            floor = await archives.floor(tx)
            vouched = await restorations.every(tx)
            forged = None if all(each.is_ours(key) for each in vouched) else _FORGED
            if not (fault := _first(in_archive, *forgotten, forged, verdict.fault) or refused):
                signed = notes.read(note, tenant, key)
                consistency = await self._consistency(tx, [*brought, signed][:2])
        if floor and floor.id not in {each.id for each in known}:  # archived just now
            return await self.whole(notes_brought, archived=archived)
        known_of = {
            "archived_entries": floor.last if floor else 0,
            "restorations": len(vouched),
        }
        if fault:
            return Verified.but_for(verdict.entries, fault, **known_of)
        return Verified(
            ok=True,
            entries=verdict.entries,
            checkpoint=note,
            consistency=consistency,
            **known_of,
        )

    async def _verify(self, tx: Tx, *kept: Kept) -> Verdict:
        start = await resumed(tx, await archives.floor(tx), self.notary.key.public_key())
        if isinstance(start, Fault):
            return Verdict((await ledger.extent(tx)).entries, start, Head())
        return await verify(tx, *kept, start=start, head_at=self.head_at)

    async def head_at(self, tx: Tx, seq: int) -> Head | None:
        """Where the chain ended when it had ``seq`` entries, archived or not."""
        archive = await archives.covering(tx, seq)
        if archive is None or archive.last == seq:
            return await ledger.head_at(tx, seq)
        try:
            return await self.shelf.head_at(archive, seq)
        except ArchiveDamaged:  # which is told by itself
            return None

    async def _fault_in_archives(self, known: list[Archive], *, read: bool) -> Fault | None:
        """The first fault in what is archived; the archives that there are become ``known``."""
        tenant, key = self.context.tenant, self.notary.key.public_key()
        async with self.database.transaction(self.context) as tx:
            known += await archives.every(tx)
        before = Head()
        for archive in known:
            if archive.first != before.size + 1:
                return Fault(before.size + 1, "missing")
            try:
                archive.vouched(tenant, key)
            except ForgedArchive:
                return Fault(archive.first, "archive_forged", archive.last)
            if read and (fault := await self.shelf.fault(archive, before)):
                return fault
            before = Head(archive.last, archive.hash)
        return None

    async def forgotten(self) -> list[str]:
        """Statements about what was lost that the database does not know."""
        outside = await self.notary.copies.statements(self.context.tenant)
        async with self.database.transaction(self.context) as tx:
            known = await restorations.every(tx)
        inside = {text for each in known for text in (each.statement, *each.forgotten)}
        return [statement for statement in outside if statement not in inside]

    async def part(self, first: int, last: int | None) -> Verified:
        """The entries between two numbers, as far as there are any.

        Raises EntryNotFound if there is not even the first, EntryArchived, and TrailBroken.
        """
        signed = await self.notary.latest(self.context.tenant)
        if first > max(signed.size, 1):
            raise _no_such_entry(signed)
        async with self.database.snapshot(self.context) as tx:
            await _require_online(tx, first)
            verdict = await verify_range(tx, signed, first, last)
        if verdict.fault:
            return Verified.but_for(verdict.entries, verdict.fault)
        return Verified(ok=True, entries=verdict.entries, checkpoint=self._note(signed))

    async def entry(self, seq: int) -> Verified:
        """One entry, and the proof that it was signed.

        Raises EntryNotFound, EntryArchived or TrailBroken.
        """
        signed = await self.notary.latest(self.context.tenant)
        if seq > signed.size:
            raise _no_such_entry(signed)
        async with self.database.snapshot(self.context) as tx:
            await _require_online(tx, seq)
            found = await verify_entry(tx, seq)
            if isinstance(found, Fault):
                return Verified.but_for(1, found)
            proof = await proof_of(tx, signed, Head(seq, found.hash))
        if proof is None:
            return Verified.but_for(1, Fault(seq, "rewritten", signed.size))
        inclusion = Inclusion(
            seq=seq,
            prev_hash=found.prev_hash.hex(),
            hash=found.hash.hex(),
            proof=[each.hex() for each in proof],
        )
        return Verified(ok=True, entries=1, checkpoint=self._note(signed), inclusion=inclusion)

    async def _sign(self) -> tuple[str, Fault | None]:
        try:
            return await self.notary.checkpoint(self.context.tenant), None
        except TrailBroken as broken:
            return "", broken.fault

    async def _consistency(self, tx: Tx, pair: Sequence[Checkpoint]) -> Consistency | None:
        """The proof that the second continues the first; an empty trail is continued by all."""
        if len(pair) < 2 or not pair[0].size:
            return None
        first, second = (checkpoint.size for checkpoint in pair)
        tail = await self._leaves(tx, second // BLOCK, second)
        tree = Tree(await ledger.blocks(tx, second // BLOCK), tail)
        leaves = await self._leaves(tx, first // BLOCK, second)
        proof = [each.hex() for each in tree.consistency(first, leaves)]
        return Consistency(first=first, second=second, proof=proof)

    async def _leaves(self, tx: Tx, block: int, size: int) -> Sequence[bytes]:
        """The leaves of a block of the tree over ``size`` entries, wherever they are."""
        archive = await archives.covering(tx, block * BLOCK + 1)
        if archive is None:
            return await ledger.leaves(tx, block, size)
        return (await self.shelf.leaves(archive, block))[: size - block * BLOCK]

    def _note(self, checkpoint: Checkpoint) -> str:
        return notes.sign(checkpoint, self.notary.key)


def _no_such_entry(signed: Checkpoint) -> EntryNotFound:
    return EntryNotFound(f"The trail has {signed.size} entries.")


def _size(checkpoint: Checkpoint) -> int:
    return checkpoint.size


async def _require_online(tx: Tx, seq: int) -> None:
    if archive := await archives.covering(tx, seq):
        raise EntryArchived(
            f"Entries {archive.first} to {archive.last} are archived.",
            archive=f"/api/admin/audit/archives/{archive.id}",
        )


def _first(*faults: Fault | None) -> Fault | None:
    return min(filter(None, faults), key=lambda each: each.seq, default=None)
