"""The HTTP side of retention: archives, legal holds, and restored backups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from aiohttp import hdrs, web
from pydantic import BaseModel, Field

from services.audit import archives, holds, restorations, restoring
from services.audit.domain.checkpoint import ForgedCheckpoint
from services.audit.holds import HoldNotFound, HoldReleased
from services.audit.notary import TrailBroken
from services.audit.parts import Parts
from services.audit.restoring import LostElsewhere, NothingLost
from services.audit.retention_views import (
    MOST_ENTRIES,
    ArchivedEntries,
    ArchiveView,
    Hold,
    HoldBody,
    Holding,
    HoldsQuery,
    LastRun,
    OnlineEntries,
    ReleaseQuery,
    RestorationBody,
    Restorations,
    RestorationView,
    Retention,
)
from services.audit.shelf import MEDIA_TYPE, ArchiveDamaged, ArchiveMissing
from shared.contracts.converter import AssetNotFound
from shared.contracts.identity import UserNotFound
from shared.contracts.refusal import Refusal
from shared.db import Tx
from shared.web import Answer, Call, Page, Routes
from shared.web.routes import Media

routes = Routes("Audit")

_END_OF_TIME = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


class ArchiveNotFound(Refusal):
    """The tenant has no such archive."""

    code = "archive_not_found"
    status = 404
    title = "Archive not found"


class ArchivesQuery(BaseModel):
    """A page of archives; the cursor is the entry before which the archives of a page end."""

    limit: Annotated[int, Field(ge=1, le=500, description="How many items a page has.")] = 50
    cursor: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_ENTRIES,
            description="Where the next page begins: the `next_cursor` of the page before.",
        ),
    ] = MOST_ENTRIES


@routes.get("/api/admin/audit/retention")
async def show_retention(call: Call[Parts]) -> Retention:
    """What of the trail is in the database since when, what is archived, and what is held."""
    async with call.parts.database.snapshot(call.context) as tx:
        online, floor = await archives.online(tx), await archives.floor(tx)
        extent, run = await archives.extent(tx), await archives.last_run(tx)
        holding = Holding(
            active=await holds.active(tx), first_held_seq=await archives.first_held(tx)
        )
    return Retention(
        retention_days=call.parts.retention.days,
        online=OnlineEntries(
            entries=online.entries, first_seq=online.first, recorded_since=online.since
        ),
        archived=ArchivedEntries(
            entries=floor.last if floor else 0,
            recorded_until=floor.last_at if floor else None,
            **extent._asdict(),
        ),
        holds=holding,
        last_run=LastRun(ran_at=run.ran_at, outcome=run.outcome) if run else None,
        next_run_at=run.next_at if run else None,
    )


@routes.get("/api/admin/audit/archives")
async def list_archives(call: Call[Parts], query: ArchivesQuery) -> Page[ArchiveView]:
    """Files of entries that were archived, newest first."""
    async with call.parts.database.snapshot(call.context) as tx:
        found = await archives.page(tx, query.cursor, query.limit + 1)
        floor = await archives.floor(tx)
    shown = found[: query.limit]
    more = str(shown[-1].last) if len(found) > query.limit else None
    return Page(items=[ArchiveView.of(each, floor) for each in shown], next_cursor=more)


@routes.get(
    "/api/admin/audit/archives/{archive_id}",
    answers={200: Media(MEDIA_TYPE)},
    refusals=[ArchiveNotFound, ArchiveDamaged],
)
async def show_archive(call: Call[Parts], archive_id: UUID) -> web.StreamResponse:
    """An archive's file: its entries as they are exported, with the checkpoint that proves them.

    Several of them in order, and what is in the database after them (an export without what is
    archived), are one trail, which can be verified without this server.
    """
    async with call.parts.database.transaction(call.context) as tx:
        archive = await archives.one(tx, archive_id)
    if archive is None:
        raise ArchiveNotFound(f"There is no archive {archive_id}.")
    async with call.parts.shelf.read(archive) as download:
        if download.length != archive.size_bytes:
            raise ArchiveMissing(f"{archive.object_key} has another size than was written.")
        name = archive.object_key.rpartition("/")[2]
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: f"{MEDIA_TYPE}; charset=utf-8",
                hdrs.CONTENT_LENGTH: str(archive.size_bytes),
                hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
            }
        )
        await response.prepare(call.request)
        if call.request.method != hdrs.METH_HEAD:
            async for chunk in download.chunks:
                await response.write(chunk)
    await response.write_eof()
    return response


@routes.post(
    "/api/admin/audit/holds",
    answers={201: Hold},
    refusals=[UserNotFound, AssetNotFound],
    idempotent=True,
)
async def place_hold(call: Call[Parts], body: HoldBody) -> Answer:
    """Place a legal hold: while it is there, nothing it covers leaves the database."""

    async def command(tx: Tx) -> Answer:
        hold = Hold.of(await holds.place(tx, body.held(), body.reason))
        return Answer(201, hold, {"Location": f"/api/admin/audit/holds/{hold.id}"})

    return await call.once(call.parts.database, command)


@routes.get("/api/admin/audit/holds")
async def list_holds(call: Call[Parts], query: HoldsQuery) -> Page[Hold]:
    """Legal holds, newest first, also those that were released."""
    async with call.parts.database.transaction(call.context) as tx:
        before = query.cursor or _END_OF_TIME
        rows = await holds.page(tx, before, query.limit + 1, active=query.active)
    found = [Hold.of(row) for row in rows]
    return Page[Hold].of(found, query.limit, lambda hold: (hold.placed_at, hold.id))


@routes.get("/api/admin/audit/holds/{hold_id}", refusals=[HoldNotFound])
async def show_hold(call: Call[Parts], hold_id: UUID) -> Hold:
    """A legal hold."""
    async with call.parts.database.transaction(call.context) as tx:
        return Hold.of(await holds.one(tx, hold_id))


@routes.delete("/api/admin/audit/holds/{hold_id}", refusals=[HoldNotFound, HoldReleased])
async def release_hold(call: Call[Parts], hold_id: UUID, query: ReleaseQuery) -> Hold:
    """Release a legal hold; it stays in the list, with the reason."""
    async with call.parts.database.transaction(call.context) as tx:
        return Hold.of(await holds.release(tx, hold_id, query.reason))


@routes.post(
    "/api/admin/audit/restorations",
    answers={201: RestorationView},
    refusals=[NothingLost, LostElsewhere, TrailBroken, ForgedCheckpoint, ArchiveDamaged],
    idempotent=True,
)
async def acknowledge_restore(call: Call[Parts], body: RestorationBody) -> Answer:
    """Acknowledge that an old backup was restored, so that the trail can be signed again.

    Verify the trail first, and send the `first_bad` it answers. The checkpoints of what was lost
    are set aside, and an entry of the trail says by whom, why, and from where to where.
    """
    if kept := await call.answered(call.parts.database):
        return kept
    examination = call.parts.examination(call.context)
    loss = await restoring.found(examination, body.first_bad)

    async def command(tx: Tx) -> Answer:
        return Answer(201, RestorationView.of(await restoring.acknowledge(tx, loss, body.reason)))

    answer = await call.once(call.parts.database, command)
    await restoring.complete(examination)
    return answer


@routes.get("/api/admin/audit/restorations")
async def list_restorations(call: Call[Parts]) -> Restorations:
    """The parts of the trail that were lost when backups were restored, as was acknowledged."""
    async with call.parts.database.transaction(call.context) as tx:
        rows = await restorations.rows(tx)
    return Restorations(items=[RestorationView.of(row) for row in rows])
