"""Archives what is old enough, a month of a chain at a time: write, verify, note, then remove.

Each step may be the last before a kill. A file that was written and not noted is written again,
the same bytes under the same key. What is noted is still in the database until one transaction
removes it, tells the trail, and counts it as archived. So nothing is lost, and nothing is in both
places or in none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, NamedTuple

import structlog
from prometheus_client import Counter, Gauge

from services.audit import archives, ledger, store, trail
from services.audit.archives import RemovalRefused, Run, StillNeeded
from services.audit.copies import CopyDiffers
from services.audit.domain import archive as rules
from services.audit.domain.archive import Archive
from services.audit.domain.chain import Fault
from services.audit.leading import leading
from services.audit.notary import Notary, TrailBroken
from services.audit.scribe import ArchiveDiffers, Scribe, Written
from services.audit.shelf import Shelf
from services.audit.verify import Start, resumed
from shared.blobs.port import StorageUnavailable
from shared.contracts.context import Context
from shared.db import Database, Tx

EVERY: Final = timedelta(hours=1)
AGAIN: Final = timedelta(minutes=5)
"""When to look again after something was in the way."""

_LOCK = 0x6D61727175657502

Outcome = Literal[
    "done", "held", "trail_broken", "storage_unavailable", "archive_differs", "removal_refused"
]

archived_entries = Counter(
    "marquee_audit_archived_entries_total", "Entries that left the database for an archive"
)
archived_bytes = Counter("marquee_audit_archived_bytes_total", "Bytes of archives written")
failures = Counter(
    "marquee_audit_archiving_failures_total", "Looks that could not archive what was due", ["why"]
)
looked_at = Gauge(
    "marquee_audit_retention_last_run_timestamp_seconds", "When this process looked last"
)

log = structlog.get_logger()


class _Plan(NamedTuple):
    """The next archive: what goes before it, and its last entry."""

    before: Archive | None
    start: Start
    last: int


@dataclass(frozen=True, slots=True)
class Archivist:
    """Looks after the chains of all tenants; ``retention`` is how long entries stay."""

    database: Database
    notary: Notary
    shelf: Shelf
    retention: timedelta

    async def run(self) -> None:
        """Look regularly, until cancelled."""
        while True:
            done = await self.look()
            await asyncio.sleep((EVERY if done else AGAIN).total_seconds())

    async def look(self) -> bool:
        """Archive all that is due, if nobody else is at it; whether nothing was in the way."""
        async with leading(self.database, _LOCK) as leads:
            if not leads:
                return True
            async with self.database.system_transaction() as tx:
                tenants = await archives.tenants(tx)
            outcomes = [await self._look_after(tenant) for tenant in tenants]
        looked_at.set_to_current_time()
        return all(outcome in ("done", "held") for outcome in outcomes)

    async def _look_after(self, tenant: str) -> Outcome:
        outcome = await self._outcome(tenant)
        if outcome not in ("done", "held"):
            failures.labels(outcome).inc()
        async with self.database.transaction(Context(tenant)) as tx:
            now = await tx.now()
            again = EVERY if outcome in ("done", "held") else AGAIN
            await archives.note_run(tx, Run(now, now + again, outcome))
        return outcome

    async def _outcome(self, tenant: str) -> Outcome:
        try:
            while await self.archive_next(tenant):
                pass
        except StillNeeded as needed:
            log.info("audit_archive_held", tenant=tenant, why=str(needed))
            return "held"
        except TrailBroken as broken:
            log.error("audit_archive_refused", tenant=tenant, why=broken.detail)
            return "trail_broken"
        except StorageUnavailable as error:
            log.warning("audit_archive_postponed", tenant=tenant, error=repr(error))
            return "storage_unavailable"
        except ArchiveDiffers as differs:
            log.error("audit_archive_differs", tenant=tenant, why=str(differs))
            return "archive_differs"
        except RemovalRefused as refused:
            log.error("audit_archive_not_removed", tenant=tenant, why=str(refused))
            return "removal_refused"
        return "done"

    async def archive_next(self, tenant: str) -> bool:
        """Take the next step: remove what is archived, or else archive what is due.

        Raises StillNeeded, TrailBroken, StorageUnavailable, ArchiveDiffers or RemovalRefused.
        """
        context = Context(tenant)
        async with self.database.transaction(context) as tx:
            waiting = await archives.waiting(tx)
        if waiting:
            await self._remove(context, waiting[0])
            return True
        plan = await self._planned(context)
        if plan is None:
            return False
        await self._archive(context, plan)
        return True

    async def _planned(self, context: Context) -> _Plan | None:
        async with self.database.snapshot(context) as tx:
            due = rules.due_before(await tx.now(), self.retention)
            before = await archives.newest(tx)
            after = before.last if before else 0
            if not await archives.recorded_by(tx, after + 1, due):
                return None
            months = await archives.months(tx, after)
            newest = await archives.newest_seal(tx) - 1  # the newest entry stays
            last = rules.cut(months, after, due, newest)
            if last is None:
                return None
            if held := await archives.first_held(tx, after):
                last = rules.cut(months, after, due, min(newest, held - 1))
                if last is None:
                    raise StillNeeded(f"entry {held} is under a legal hold")
            start = await resumed(tx, before, self.notary.key.public_key())
        if isinstance(start, Fault):
            raise TrailBroken(start)
        return _Plan(before, start, last)

    async def _archive(self, context: Context, plan: _Plan) -> None:
        signed = await self.notary.checkpoint(context.tenant)
        before = plan.before.checkpoint if plan.before else None
        scribe = Scribe(self.database, self.shelf, self.notary.key, context)
        written = await scribe.write(plan.start, plan.last, signed, before)
        async with self.database.transaction(context) as tx:
            await store.take_signature(tx)
            if await archives.newest(tx) != plan.before:
                return  # another leader was quicker
            await self._keep(tx, written)
            await archives.append(tx, await self._noted(tx, written))
        archived_bytes.inc(written.size_bytes)
        log.info("audit_archived", tenant=context.tenant, last=plan.last, key=written.key)

    async def _noted(self, tx: Tx, written: Written) -> Archive:
        checkpoint = written.checkpoint
        first_at, last_at = await archives.recorded(tx, written.first, checkpoint.size)
        return Archive(
            id=tx.new_id(),
            first=written.first,
            last=checkpoint.size,
            first_at=first_at,
            last_at=last_at,
            hash=checkpoint.hash,
            object_key=written.key,
            size_bytes=written.size_bytes,
            sha256=written.sha256,
            checkpoint=written.note,
            statement=rules.state(checkpoint, written.first, written.sha256, self.notary.key),
            archived_at=await tx.now(),
        )

    async def _keep(self, tx: Tx, written: Written) -> None:
        checkpoint = written.checkpoint
        if await ledger.checkpoint_at(tx, checkpoint.size) is None:
            await store.append_checkpoint(tx, checkpoint, written.note)
        try:
            await self.notary.copies.keep_earlier(checkpoint.tenant, checkpoint.size, written.note)
        except CopyDiffers as error:
            raise TrailBroken(Fault(1, "rewritten", checkpoint.size)) from error

    async def _remove(self, context: Context, archive: Archive) -> None:
        """Remove archived entries, and tell the trail. Raises StillNeeded."""
        async with self.database.transaction(context) as tx:
            await store.take_holds(tx)
            removed = await archives.remove(tx, archive)
            if removed:
                await trail.tell(
                    tx,
                    "entries_archived",
                    "audit.archive.completed.v1",
                    archive_id=str(archive.id),
                    first_seq=archive.first,
                    last_seq=archive.last,
                    sha256=archive.sha256.hex(),
                )
        archived_entries.inc(removed)
        log.info(
            "audit_archive_removed", tenant=context.tenant, first=archive.first, last=archive.last
        )
