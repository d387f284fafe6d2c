"""The HTTP side of ``audit``: a user's history, the trail, its export and its verification."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import hdrs, web

from services.audit import archives, queries
from services.audit.domain import checkpoint
from services.audit.domain.archive import Archive
from services.audit.domain.checkpoint import ForgedCheckpoint
from services.audit.examine import EntryArchived, EntryNotFound
from services.audit.export import Export
from services.audit.http_retention import routes as retention
from services.audit.notary import TrailBroken
from services.audit.parts import Parts
from services.audit.queries import Search
from services.audit.shelf import ArchiveDamaged
from services.audit.views import (
    ArchivedBefore,
    AuditKey,
    ExportQuery,
    History,
    HistoryEntry,
    HistoryQuery,
    Seen,
    TrailPage,
    TrailQuery,
    Verified,
    VerifyQuery,
)
from shared.contracts.identity import UserNotFound
from shared.contracts.young import patience_for
from shared.web import Call, Routes, patiently
from shared.web.routes import Media

routes = Routes("Audit")

ROUTES = (routes, retention)

_MEDIA_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv"}


@routes.get("/api/admin/users/{user_id}/assignment-history", refusals=[UserNotFound])
async def show_history(call: Call[Parts], user_id: UUID, query: HistoryQuery) -> History:
    """What a user was assigned, newest first."""
    search = Search(user_id=user_id, action=query.action, since=query.since, until=query.until)

    async def attempt() -> History:
        async with call.parts.database.snapshot(call.context) as tx:
            found = await queries.history(tx, search, limit=query.limit, offset=query.offset)
            if found is None:
                patience = patience_for(user_id, await tx.now())
                raise UserNotFound(f"There is no user {user_id}.", patience=patience)
            floor = await archives.floor(tx)
        rows, total = found
        return History(
            history=[HistoryEntry.of(row, call.parts.signer) for row in rows],
            total=total,
            limit=query.limit,
            offset=query.offset,
            archived=ArchivedBefore.of(floor, query.since),
        )

    return await patiently(attempt)


@routes.get("/api/admin/audit")
async def search_trail(call: Call[Parts], query: TrailQuery) -> TrailPage:
    """Who did what to what, and when.

    What was done to many users at once is one entry with their number; `expand` shows those of
    each user as well, and so does asking for one user. What is archived is not searched, which
    `archived` says.
    """
    grouped = not query.expand and query.user_id is None
    async with call.parts.database.snapshot(call.context) as tx:
        rows = await queries.trail(
            tx, query.search(), query.order, query.cursor, query.limit + 1, grouped=grouped
        )
        floor = await archives.floor(tx)
    items = [HistoryEntry.of(row, call.parts.signer) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    last = Seen(items[-1].performed_at, items[-1].seq) if more else None
    return TrailPage(
        items=items,
        next_cursor=str(last) if last else None,
        archived=ArchivedBefore.of(floor, query.since),
    )


@routes.get(
    "/api/admin/audit/export",
    answers={200: Media(*_MEDIA_TYPES.values())},
    refusals=[TrailBroken, ArchiveDamaged],
)
async def export_trail(call: Call[Parts], query: ExportQuery) -> web.StreamResponse:
    """The trail as a file.

    JSON lines can be verified without this server: each line has its hashes, a selection has a
    proof for each entry besides, and the last line is a signed checkpoint. CSV is for
    spreadsheets. A trail that does not hold is exported up to its last checkpoint. What is
    archived is read from there; left out, the file follows what the newest archive ends with.
    """
    parts = call.parts
    signed = await parts.notary.latest(call.context.tenant)
    after = None if query.archived else await _newest_gone(call)
    export = Export(parts.database, parts.shelf, call.context, query.search(), signed, after)
    response = web.StreamResponse(headers=_headers(query.format, signed))
    await response.prepare(call.request)
    if call.request.method != hdrs.METH_HEAD:
        note = checkpoint.sign(signed, call.parts.key)
        async for page in export.csv() if query.format == "csv" else export.jsonl(note):
            await response.write(page)
    await response.write_eof()
    return response


@routes.get(
    "/api/admin/audit/verify",
    refusals=[ForgedCheckpoint, EntryNotFound, EntryArchived, TrailBroken, ArchiveDamaged],
)
async def verify_trail(call: Call[Parts], query: VerifyQuery) -> Verified:
    """Whether the trail is what was once written.

    Without a question all of it is verified: the chain of hashes, what is archived, and every
    checkpoint in the database and outside, so that a tail that was cut off or an old backup that
    was restored shows. A part (`from_seq`, `to_seq`) or one entry (`seq`, with its inclusion
    proof) is quicker. With a `checkpoint` that was kept, the answer proves that the trail
    continues it, or, with two, that the later continues the earlier.
    """
    examination = call.parts.examination(call.context)
    if query.seq is not None:
        return await examination.entry(query.seq)
    if query.from_seq is not None or query.to_seq is not None:
        return await examination.part(query.from_seq or 1, query.to_seq)
    return await examination.whole(query.checkpoint, archived=query.archives)


@routes.get("/.well-known/audit-key", access="public")
async def show_key(call: Call[Parts]) -> AuditKey:
    """The key that verifies checkpoints."""
    return AuditKey(public_key=checkpoint.public_key(call.parts.key))


def _headers(kind: str, signed: checkpoint.Checkpoint) -> dict[str, Any]:
    name = f"audit-{signed.tenant}-{signed.size}.{kind}"
    return {
        hdrs.CONTENT_TYPE: f"{_MEDIA_TYPES[kind]}; charset=utf-8",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
    }


async def _newest_gone(call: Call[Parts]) -> Archive | None:
    async with call.parts.database.transaction(call.context) as tx:
        return await archives.floor(tx)
