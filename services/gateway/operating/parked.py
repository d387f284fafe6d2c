"""Parked messages of all services, in one list."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from aiohttp import hdrs, web

from services.gateway.operating.inside import Inside, Told
from services.gateway.operating.views import ParkedPage
from shared.contracts.topology import QUEUES
from shared.operating.parking import ParkedNotFound
from shared.operating.views import ParkedDetail, ParkedQuery, ParkedView, ReplayedView
from shared.web import Call, Page, Routes
from shared.web.paging import Cursor
from shared.web.problems import InvalidInput, Unavailable, invalid_field

SECONDS = 30.0

_OWNER = {queue.name: queue.name.partition(".")[0] for queue in QUEUES}
OWNERS = tuple(sorted(set(_OWNER.values())))
"""The services that have queues."""

routes = Routes("Operations")


@routes.get("/api/admin/parked")
async def list_parked(call: Call[Inside], query: ParkedQuery) -> ParkedPage:
    """List parked messages, newest first.

    A message is parked when its handler has failed for good. You see those of your tenant; those
    that name no tenant are shown to administrators of the tenant `default`.
    """
    asked = call.request.rel_url.raw_query_string
    told, away = await call.parts.ask_all(
        call.request,
        _owners(query.queue),
        f"/internal/parked?{asked}",
        kind=Page[ParkedView],
        seconds=SECONDS,
    )
    found = [item for each in told for item in each.body.items]
    found.sort(key=lambda item: (item.parked_at, item.id), reverse=True)
    items = found[: query.limit]
    more = len(found) > query.limit or any(each.body.next_cursor for each in told)
    last = Cursor(items[-1].parked_at, items[-1].id) if more and items else None
    return ParkedPage(items=items, next_cursor=str(last) if last else None, missing=away)


def _owners(queue: str | None) -> tuple[str, ...]:
    if queue is None:
        return OWNERS
    if queue not in _OWNER:
        field = invalid_field(("queue",), f"should be one of {', '.join(sorted(_OWNER))}")
        raise InvalidInput(f"{field['pointer']}: {field['detail']}", errors=[field])
    return (_OWNER[queue],)


@routes.get("/api/admin/parked/{parked_id}", answers={200: ParkedDetail}, refusals=[ParkedNotFound])
async def show_parked(call: Call[Inside], parked_id: UUID) -> web.Response:
    """Show a parked message with its headers and its body."""
    return await _whoever_has_it(call, parked_id, f"/internal/parked/{parked_id}", hdrs.METH_GET)


@routes.post(
    "/api/admin/parked/{parked_id}/replay",
    answers={202: ReplayedView, 200: ReplayedView},
    refusals=[ParkedNotFound],
    idempotent=True,
)
async def replay_parked(call: Call[Inside], parked_id: UUID) -> web.Response:
    """Replay a parked message.

    It goes to the queue that gave it up, as a first attempt and with its own id, so that it takes
    effect once. Asked again, the answer says who replayed it and when. Should it fail again, it is
    parked again, under another id.
    """
    path = f"/internal/parked/{parked_id}/replay"
    return await _whoever_has_it(call, parked_id, path, hdrs.METH_POST)


async def _whoever_has_it(
    call: Call[Inside], parked_id: UUID, path: str, method: str
) -> web.Response:
    """Ask everybody: only one has it, and the others do nothing."""
    told, away = await call.parts.ask_all(
        call.request, OWNERS, path, method=method, seconds=SECONDS
    )
    having = [each for each in told if each.status != HTTPStatus.NOT_FOUND]
    if having:
        return _best(having).response(call.request)
    if away:
        raise Unavailable(f"Not found so far, and {', '.join(away)} did not answer.", part=away[0])
    raise ParkedNotFound(f"There is no parked message {parked_id}.")


def _best(having: list[Told]) -> Told:
    return next((each for each in having if each.good), having[0])
