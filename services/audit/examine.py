"""Answers the question whether the trail holds: all of it, a part, or one entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.audit import ledger
from services.audit.domain import checkpoint as notes
from services.audit.domain.chain import Fault, Head
from services.audit.domain.checkpoint import Checkpoint
from services.audit.domain.merkle import BLOCK
from services.audit.notary import Notary, TrailBroken
from services.audit.verify import (
    given,
    kept_inside,
    kept_outside,
    proof_of,
    verify,
    verify_entry,
    verify_range,
)
from services.audit.views import Consistency, Inclusion, Verified
from shared.contracts.context import Context
from shared.contracts.refusal import Refusal
from shared.db import Database, Tx


class EntryNotFound(Refusal):
    """The trail has no entry with this number yet."""

    code = "entry_not_found"
    status = 404
    title = "Entry not found"


@dataclass(frozen=True, slots=True)
class Examination:
    """Looks at one tenant's trail, with a checkpoint that is signed for the purpose."""

    database: Database
    notary: Notary
    context: Context

    async def whole(self, notes_brought: Sequence[str]) -> Verified:
        """The chain from end to end, against all that was ever signed. Raises ForgedCheckpoint."""
        tenant, key = self.context.tenant, self.notary.key.public_key()
        brought = sorted((notes.read(each, tenant, key) for each in notes_brought), key=_size)
        note, refused = await self._sign()
        outside = await kept_outside(self.notary.copies, tenant, key)
        async with self.database.snapshot(self.context) as tx:
            inside = await kept_inside(tx, key)
            verdict = await verify(tx, given(brought), outside, inside)
            if fault := verdict.fault or refused:
                return Verified.but_for(verdict.entries, fault)
            signed = notes.read(note, tenant, key)
            consistency = await _consistency(tx, [*brought, signed][:2])
        return Verified(ok=True, entries=verdict.entries, checkpoint=note, consistency=consistency)

    async def part(self, first: int, last: int | None) -> Verified:
        """The entries between two numbers, as far as there are any.

        Raises EntryNotFound if there is not even the first, and TrailBroken.
        """
        signed = await self.notary.latest(self.context.tenant)
        if first > max(signed.size, 1):
            raise _no_such_entry(signed)
        async with self.database.snapshot(self.context) as tx:
            verdict = await verify_range(tx, signed, first, last)
        if verdict.fault:
            return Verified.but_for(verdict.entries, verdict.fault)
        return Verified(ok=True, entries=verdict.entries, checkpoint=self._note(signed))

    async def entry(self, seq: int) -> Verified:
        """One entry, and the proof that it was signed. Raises EntryNotFound or TrailBroken."""
        signed = await self.notary.latest(self.context.tenant)
        if seq > signed.size:
            raise _no_such_entry(signed)
        async with self.database.snapshot(self.context) as tx:
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

    def _note(self, checkpoint: Checkpoint) -> str:
        return notes.sign(checkpoint, self.notary.key)


def _no_such_entry(signed: Checkpoint) -> EntryNotFound:
    return EntryNotFound(f"The trail has {signed.size} entries.")


def _size(checkpoint: Checkpoint) -> int:
    return checkpoint.size


async def _consistency(tx: Tx, pair: Sequence[Checkpoint]) -> Consistency | None:
    """The proof that the second continues the first; an empty trail is continued by all."""
    if len(pair) < 2 or not pair[0].size:
        return None
    first, second = (checkpoint.size for checkpoint in pair)
    tree = await ledger.tree(tx, second)
    leaves = await ledger.leaves(tx, first // BLOCK, second)
    proof = [each.hex() for each in tree.consistency(first, leaves)]
    return Consistency(first=first, second=second, proof=proof)
