"""What can be wrong with files and jobs, and how it is mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, delete, null, select, true, update

from services.converter import assets, jobs, leases
from services.converter.shelf import GRACE
from services.converter.sweeper import Sweeper
from services.converter.tables import (
    admin_media_assets,
    incoming,
    queue_jobs,
    rendition_objects,
    renditions,
)
from shared.blobs.port import Blobs
from shared.bus.port import Bus, BusUnavailable
from shared.contracts.context import Context
from shared.contracts.converter import AssetNotFound
from shared.contracts.maintenance import ConverterMaintained
from shared.contracts.topology import CONVERTER_TICKETS
from shared.db import Database, Statement, Tx
from shared.operating.doctor import Ailment, Practice, digest_of, outbox_lags, queues_missing

STALLED = timedelta(seconds=60)
"""How long a job may be due before somebody should have taken it."""

_assets, _jobs = admin_media_assets.c, queue_jobs.c

_shown = Statement(
    select(renditions.c.asset_id, renditions.c.rendition, renditions.c.object_key)
    .join_from(renditions, admin_media_assets, _assets.id == renditions.c.asset_id)
    .where(_assets.deleted_at.is_(None))
    .order_by(renditions.c.asset_id)
)
_originals = Statement(
    select(_jobs.asset_id, _jobs.input_path)
    .distinct()
    .join_from(queue_jobs, admin_media_assets, _assets.id == _jobs.asset_id)
    .where(_assets.deleted_at.is_(None))
)
_known = (
    Statement(select(rendition_objects.c.object_key)),
    Statement(select(renditions.c.object_key)),
    Statement(select(_jobs.input_path)),
    Statement(select(incoming.c.object_key)),
)
_open = Statement(
    select(true()).where(
        _jobs.asset_id == bindparam("asset_id"),
        _jobs.completed_at.is_(None),
    )
)
_named = bindparam("keys", type_=ARRAY(Text))
_take_down = Statement(
    delete(renditions)
    .where(renditions.c.asset_id == bindparam("asset_id"), renditions.c.object_key == any_(_named))
    .returning(renditions.c.rendition)
)
_give_up = Statement(
    update(rendition_objects)
    .where(rendition_objects.c.object_key == any_(_named))
    .values(abandoned=True)
)
_hide = {
    kind: Statement(
        update(admin_media_assets)
        .where(_assets.id == bindparam("asset_id"))
        .values({f"{kind}_url": null(), "version": _assets.version + 1})
    )
    for kind in ("thumbnail", "mp4", "gif", "webm")
}
_stalled = Statement(
    select(_jobs.asset_id).where(
        ((_jobs.status == "pending") & (_jobs.due_at <= bindparam("latest")))
        | ((_jobs.status == "processing") & (_jobs.lease_expires_at <= bindparam("latest")))
    )
)


@dataclass(frozen=True, slots=True)
class Doctor:
    """Compares the converter's rows with the store and the broker."""

    database: Database
    blobs: Blobs
    bus: Bus

    async def renditions_missing(self, context: Context) -> list[str]:
        """Renditions whose objects are gone, of assets whose originals are there."""
        missing = await self._missing(context)
        return [f"{asset_id} {kind}" for asset_id, kinds in missing.items() for kind in kinds]

    async def remake(self, context: Context) -> int:
        """Have missing renditions made again by a job as any other; the asset stays completed."""
        count = 0
        for asset_id, lost in (await self._missing(context)).items():
            async with self.database.transaction(context) as tx:
                count += await _remake(tx, asset_id, list(lost.values()))
        return count

    async def originals_missing(self, context: Context) -> list[str]:
        """Assets whose uploaded files are gone."""
        there = await self._keys(f"{context.tenant}/originals/")
        async with self.database.transaction(context) as tx:
            rows = await tx.fetch(_originals)
        return sorted(str(row["asset_id"]) for row in rows if row["input_path"] not in there)

    async def unreferenced_renditions(self, context: Context) -> list[str]:
        """Objects of renditions that no row knows."""
        return await self._unreferenced(context, "renditions")

    async def unreferenced_originals(self, context: Context) -> list[str]:
        """Uploaded files that no row knows."""
        return await self._unreferenced(context, "originals")

    async def collect(self, context: Context) -> int:
        """Remove objects of renditions that no row knows: they could be made again."""
        keys = await self.unreferenced_renditions(context)
        for key in keys:
            await self.blobs.delete(key)
        return len(keys)

    async def stalled(self, context: Context) -> list[str]:
        """Jobs that nobody takes: overdue, and no ticket waits for them; or left by the dead."""
        try:
            ready = (await self.bus.depth(CONVERTER_TICKETS.name)).ready
        except BusUnavailable:
            return []  # that the bus is away is said elsewhere
        async with self.database.system_transaction() as tx:
            if not await leases.tickets_missing(tx, ready):
                return []
        async with self.database.transaction(context) as tx:
            rows = await tx.fetch(_stalled, latest=await tx.now() - STALLED)
        return [str(row["asset_id"]) for row in rows]

    async def issue_tickets(self, _: Context) -> int:
        """Issue the tickets that are missing, of all tenants: they name no job."""
        return await Sweeper(self.database, self.bus).sweep()

    async def _missing(self, context: Context) -> dict[UUID, dict[str, str]]:
        there = await self._keys(f"{context.tenant}/renditions/")
        without = set(await self.originals_missing(context))
        async with self.database.transaction(context) as tx:
            rows = await tx.fetch(_shown)
        missing: dict[UUID, dict[str, str]] = {}
        for row in rows:
            if row["object_key"] not in there and str(row["asset_id"]) not in without:
                missing.setdefault(row["asset_id"], {})[row["rendition"]] = row["object_key"]
        return missing

    async def _unreferenced(self, context: Context, folder: str) -> list[str]:
        """Listed before the rows are read: what is stored meanwhile is noted before."""
        async with self.database.transaction(context) as tx:
            latest = await tx.now() - GRACE
        listed = [blob async for blob in self.blobs.list(f"{context.tenant}/{folder}/")]
        known: set[str] = set()
        async with self.database.transaction(context) as tx:
            for statement in _known:
                known.update(row[0] for row in await tx.fetch(statement))
        return [blob.key for blob in listed if blob.modified <= latest and blob.key not in known]

    async def _keys(self, prefix: str) -> set[str]:
        return {blob.key async for blob in self.blobs.list(prefix)}


async def _remake(tx: Tx, asset_id: UUID, keys: Sequence[str]) -> int:
    """Take down what is gone and queue a job, unless one is at work already."""
    try:
        asset = await assets.hold(tx, asset_id)
    except AssetNotFound:
        return 0
    if asset["conversion_status"] != "completed" or await tx.fetchval(_open, asset_id=asset_id):
        return 0
    origin = await jobs.origin(tx, asset_id)
    taken = await tx.fetch(_take_down, asset_id=asset_id, keys=keys)
    await tx.execute(_give_up, keys=keys)
    for row in taken:
        await tx.execute(_hide[row["rendition"]], asset_id=asset_id)
    await jobs.add(tx, asset_id, origin.input_path, asset["sha256"])
    return len(taken)


def practice(database: Database, blobs: Blobs, bus: Bus) -> Practice:
    """What the converter looks for."""
    doctor = Doctor(database, blobs, bus)
    ailments = (
        outbox_lags(database),
        queues_missing(bus),
        Ailment(
            "rendition_missing",
            "A rendition's file is gone",
            "The asset is completed, but its file is not in the store; its original is.",
            doctor.renditions_missing,
            "Make it again from the original",
            doctor.remake,
        ),
        Ailment(
            "original_missing",
            "An uploaded file is gone",
            "What was made of it can still be fetched, but nothing can be made again. Restore it"
            " from a backup of the store.",
            doctor.originals_missing,
        ),
        Ailment(
            "object_unreferenced",
            "Files of renditions that nothing refers to",
            "They are older than a day, and no row knows of them.",
            doctor.unreferenced_renditions,
            "Remove them; they can be made again",
            doctor.collect,
        ),
        Ailment(
            "original_unreferenced",
            "Uploaded files that nothing refers to",
            "They are older than a day, and no row knows of them: perhaps the database was"
            " restored from a backup that is older. They are not removed, since they cannot be"
            " made again.",
            doctor.unreferenced_originals,
        ),
        Ailment(
            "job_stalled",
            "Conversions that nobody takes",
            "They have been due for more than a minute, and fewer tickets wait than there are"
            " conversions.",
            doctor.stalled,
            "Issue the tickets that are missing",
            doctor.issue_tickets,
        ),
    )
    return Practice(
        "converter",
        database,
        ConverterMaintained,
        ailments,
        owns={
            "assets": digest_of(
                "id, conversion_status, deleted_at is not null", "converter.admin_media_assets"
            ),
            "titles": digest_of("id, title", "converter.admin_media_assets"),
        },
        keeps={
            "users": digest_of("id, version", "converter.users where known"),
            "states": digest_of(
                "id, assignment_version, user_id, active_assignment_count",
                "converter.admin_media_assets where assignment_version > 0",
            ),
        },
    )
