"""The inside routes about parked messages, the same in every service that has queues."""

from __future__ import annotations

import base64
import re
from uuid import UUID

from shared.bus.port import BusUnavailable, ParkedMessage
from shared.contracts.refusal import Refusal
from shared.db import Tx
from shared.operating.parking import ParkedNotFound, ParkingLot, Replay, tenant_of
from shared.operating.views import ParkedDetail, ParkedQuery, ParkedView, ReplayedView
from shared.web import Answer, Call, Page, Routes
from shared.web.problems import InvalidInput, Unavailable, invalid_field

routes = Routes("Parked messages")

_CLASS = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*)\(")
_PLAIN = re.compile(r"[a-z_]{1,50}")


@routes.get("/internal/parked", access="internal")
async def list_parked(call: Call[ParkingLot], query: ParkedQuery) -> Page[ParkedView]:
    """Parked messages of the tenant, newest first."""
    lot = call.parts
    if query.queue is not None and query.queue not in {queue.name for queue in lot.queues}:
        field = invalid_field(("queue",), "no such queue here")
        raise InvalidInput(f"{field['pointer']}: {field['detail']}", errors=[field])
    try:
        found = await lot.look(call.context, query.queue)
    except BusUnavailable as error:
        raise _away(error) from error
    if query.cursor:
        found = [each for each in found if (each.parked_at, each.id) < query.cursor]
    views = [view_of(each) for each in found[: query.limit + 1]]
    return Page[ParkedView].of(views, query.limit, lambda view: (view.parked_at, view.id))


@routes.get("/internal/parked/{parked_id}", access="internal", refusals=[ParkedNotFound])
async def show_parked(call: Call[ParkingLot], parked_id: UUID) -> ParkedDetail:
    """A parked message with all it says."""
    try:
        return detail_of(await call.parts.find(call.context, parked_id))
    except BusUnavailable as error:
        raise _away(error) from error


@routes.post(
    "/internal/parked/{parked_id}/replay",
    access="internal",
    answers={202: ReplayedView, 200: ReplayedView},
    refusals=[ParkedNotFound],
    idempotent=True,
)
async def replay_parked(call: Call[ParkingLot], parked_id: UUID) -> Answer:
    """Send a parked message to its queue again, once."""
    lot = call.parts
    if kept := await call.answered(lot.database):
        return kept
    try:
        parked = await lot.find(call.context, parked_id)
    except BusUnavailable as error:
        raise _away(error) from error
    except ParkedNotFound:
        before = await lot.replayed(call.context, parked_id)
        if before is None:
            raise
        return Answer(200, _replayed(before))

    async def command(tx: Tx) -> Answer:
        replay = await lot.replay(tx, parked)
        return Answer(202 if replay.new else 200, _replayed(replay))

    answer = await call.once(lot.database, command)
    lot.wake()
    return answer


def view_of(parked: ParkedMessage) -> ParkedView:
    """What is shown of a message in a list."""
    headers = parked.message.headers
    return ParkedView(
        id=parked.id,
        queue=parked.queue,
        service=parked.queue.partition(".")[0],
        event_type=headers.get("ce-type"),
        event_id=parked.message.id,
        subject=headers.get("ce-subject") or None,
        tenant=tenant_of(parked),
        parked_at=parked.parked_at,
        attempts=parked.attempts,
        replays=parked.replays,
        error_class=_error_class(parked.reason),
        error=parked.reason,
    )


def detail_of(parked: ParkedMessage) -> ParkedDetail:
    """All that a message says."""
    try:
        body, encoding = parked.message.body.decode(), "utf-8"
    except UnicodeDecodeError:
        body, encoding = base64.b64encode(parked.message.body).decode(), "base64"
    told = {"headers": parked.message.headers, "body": body, "body_encoding": encoding}
    return ParkedDetail.model_validate(view_of(parked).model_dump() | told)


def _error_class(reason: str) -> str:
    """The exception's name at the beginning, or a broker's own word, such as delivery_limit."""
    named = _CLASS.match(reason)
    if named:
        return named[1]
    return reason if _PLAIN.fullmatch(reason) else "refused"


def _replayed(replay: Replay) -> ReplayedView:
    return ReplayedView(
        id=replay.id,
        queue=replay.queue,
        event_id=replay.message_id,
        outcome="replayed" if replay.new else "replayed_before",
        replayed_at=replay.replayed_at,
        replayed_by=replay.replayed_by,
    )


def _away(error: BusUnavailable) -> Refusal:
    return Unavailable(f"The bus does not answer: {error}.", part="bus")
