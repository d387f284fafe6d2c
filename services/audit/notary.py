"""Signs checkpoints: every minute or 1,000 entries of what was added to a chain, never of forgery.

A log must never sign two heads that contradict each other. So the notary signs only what continues
the newest checkpoint, the one in the database as well as the one that is kept outside: what was
added is verified link by link, and what was signed before must still be there. After an old backup
was restored it therefore refuses, until an administrator acknowledges it (``restoring``); then the
copies which the backup does not know are set aside.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import Counter, Gauge

from services.audit import ledger, restorations, store
from services.audit.copies import Copies, CopyDiffers
from services.audit.domain import checkpoint as notes
from services.audit.domain.chain import Fault, Verification
from services.audit.domain.checkpoint import Checkpoint, ForgedCheckpoint
from services.audit.domain.merkle import Tree
from services.audit.domain.restoration import Restoration
from services.audit.verify import walk
from shared.blobs.port import StorageUnavailable
from shared.contracts.context import Context
from shared.contracts.refusal import Refusal
from shared.db import Database, Tx

EVERY_ENTRIES: Final = 1000
EVERY: Final = timedelta(seconds=60)
_LOOKS_EVERY = 1.0
_RESTS_BROKEN = timedelta(seconds=60)
_RESTS_WITHOUT_STORE = timedelta(seconds=10)

broken_trails = Gauge(
    "marquee_audit_trail_broken",
    "Trails that contradict what was signed of them; the log says whose",
)
"""Not by tenant: anybody may read the figures, and nobody need know who is here."""

overdue = Gauge(
    "marquee_audit_checkpoints_overdue",
    "Trails whose checkpoint is due and could not be signed",
)
looked_at = Gauge(
    "marquee_audit_signing_last_look_timestamp_seconds",
    "When this process last looked which trails are to be signed, and signed them",
)
checkpoints_signed = Counter("marquee_audit_checkpoints_total", "Checkpoints signed")

log = structlog.get_logger()


class TrailBroken(Refusal):
    """The trail does not continue what was signed of it; verify it to see where."""

    code = "trail_broken"
    status = 409
    title = "The trail does not hold"

    def __init__(self, fault: Fault) -> None:
        super().__init__(
            f"Entry {fault.seq} is not what was signed: {fault.reason}.", first_bad=fault.seq
        )
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Notary:
    """Signs the chains of all tenants."""

    database: Database
    copies: Copies
    key: Ed25519PrivateKey
    broken: set[str] = field(default_factory=set, init=False)
    """Tenants whose trail did not hold when it was last to be signed."""
    _resting: dict[str, datetime] = field(default_factory=dict, init=False)

    async def run(self) -> None:
        """Sign what is due until cancelled."""
        while True:
            await self.sign_due()
            await asyncio.sleep(_LOOKS_EVERY)

    async def sign_due(self) -> None:
        """Sign every chain that has grown enough, or whose checkpoint is too old.

        One that could not be signed is left alone for a while.
        """
        async with self.database.system_transaction() as tx:
            now = await tx.now()
            due = await ledger.tenants_due(tx, EVERY_ENTRIES, now - EVERY)
        for tenant in due:
            if self._resting.get(tenant, now) <= now:
                self._resting[tenant] = now + await self._sign(tenant)
        overdue.set(sum(self._resting[tenant] > now for tenant in due))
        looked_at.set_to_current_time()

    async def _sign(self, tenant: str) -> timedelta:
        """Sign a chain; how long to leave it alone if that was not possible."""
        try:
            await self.checkpoint(tenant)
        except TrailBroken as broken:
            self._tell(tenant, broken=True)
            log.error("audit_trail_broken", tenant=tenant, **broken.extra, why=broken.fault.reason)
            return _RESTS_BROKEN
        except StorageUnavailable as error:
            log.warning("audit_checkpoint_postponed", tenant=tenant, error=repr(error))
            return _RESTS_WITHOUT_STORE
        self._tell(tenant, broken=False)
        checkpoints_signed.inc()
        return timedelta()

    def _tell(self, tenant: str, *, broken: bool) -> None:
        (self.broken.add if broken else self.broken.discard)(tenant)
        broken_trails.set(len(self.broken))

    async def checkpoint(self, tenant: str) -> str:
        """The checkpoint of all that is in a tenant's chain now, signed if it was not yet.

        It is in the database and outside before anybody sees it. Raises TrailBroken.
        """
        try:
            return await self._checkpoint(tenant)
        except TrailBroken:
            if not await self.set_aside_lost(tenant):
                raise
            return await self._checkpoint(tenant)

    async def set_aside_lost(self, tenant: str) -> bool:
        """Set copies aside of what was lost and vouched for; whether there were any left.

        Only those that are named one by one: what contradicts any other is tampering.
        """
        async with self.database.transaction(Context(tenant)) as tx:
            vouched = await restorations.every(tx)
        moved = False
        for each in vouched:
            if each.is_ours(self.key.public_key()) and (sizes := await self._left_of(each)):
                await self.copies.set_aside(tenant, each.id, each.statement, sizes)
                moved = True
        return moved

    async def _left_of(self, restoration: Restoration) -> list[int]:
        lost = dict(restoration.lost)
        there = await self.copies.sizes(restoration.tenant)
        opened = [
            self._read(await self.copies.note(restoration.tenant, size), restoration.tenant)
            for size in there
            if size in lost
        ]
        return [each.size for each in opened if each.hash.hex() == lost[each.size]]

    async def _checkpoint(self, tenant: str) -> str:
        async with self.database.transaction(Context(tenant)) as tx:
            await store.take_signature(tx)
            signed = await self._signed_last(tx)
            kept = await self._kept_last(tenant)
            head = await store.head(tx)
            if head.size == signed.size == kept.size and head == kept.head:
                return notes.sign(kept, self.key)
            checkpoint, first, tree = await _continued(tx, signed, kept, head.size)
            note = notes.sign(checkpoint, self.key)
            if checkpoint.size > signed.size:
                await store.append_blocks(tx, first, tree.blocks[first:])
                await store.append_checkpoint(tx, checkpoint, note)
            await self._keep(checkpoint, note)
        log.info("audit_checkpoint_signed", tenant=tenant, size=checkpoint.size)
        return note

    async def latest(self, tenant: str) -> Checkpoint:
        """The checkpoint of all there is; of a trail that is broken, the last that was signed.

        Raises TrailBroken if that does not exist.
        """
        try:
            return self._read(await self.checkpoint(tenant), tenant)
        except TrailBroken:
            kept = await self._kept_last(tenant)
            if not kept.size:
                raise
            return kept

    async def _signed_last(self, tx: Tx) -> Checkpoint:
        return self._read(await ledger.newest_note(tx), tx.context.tenant)

    async def _kept_last(self, tenant: str) -> Checkpoint:
        return self._read(await self.copies.newest(tenant), tenant)

    def _read(self, note: str | None, tenant: str) -> Checkpoint:
        try:
            if note is None:
                return Checkpoint(tenant)
            return notes.read(note, tenant, self.key.public_key())
        except ForgedCheckpoint as forged:
            raise TrailBroken(Fault(1, "checkpoint_forged")) from forged

    async def _keep(self, checkpoint: Checkpoint, note: str) -> None:
        try:
            await self.copies.keep(checkpoint.tenant, checkpoint.size, note)
        except CopyDiffers as error:
            raise TrailBroken(Fault(1, "rewritten", checkpoint.size)) from error


async def _continued(
    tx: Tx, signed: Checkpoint, kept: Checkpoint, size: int
) -> tuple[Checkpoint, int, Tree]:
    """What can be signed after both, the first block that is new, and the tree. Or TrailBroken."""
    for known in (signed, kept):
        if size < known.size:
            raise TrailBroken(Fault(size + 1, "truncated", known.size))
        if known.size and await ledger.head_at(tx, known.size) != known.head:
            raise TrailBroken(Fault(1, "rewritten", known.size))
    tree = await ledger.tree(tx, signed.size)
    if (tree.size, tree.root()) != (signed.size, signed.root):
        raise TrailBroken(Fault(1, "tree_changed", signed.size))
    first = len(tree.blocks)
    verification = Verification(signed.head)
    if fault := await walk(tx, verification, signed.size, size, tree):
        raise TrailBroken(fault)
    checkpoint = Checkpoint(tx.context.tenant, size, tree.root(), verification.head.hash)
    return checkpoint, first, tree
