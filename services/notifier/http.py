"""The HTTP side of ``notifier``: the WebSocket, and polling for who cannot have one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import structlog
from aiohttp import web
from prometheus_client import Gauge
from pydantic import BaseModel, Field

from services.notifier import queries
from services.notifier.conversation import Conversation
from services.notifier.crowd import Crowd
from services.notifier.doorway import LISTENER
from services.notifier.hub import Hub
from services.notifier.sockets import Socket
from shared.contracts.notifier import TooManySockets
from shared.contracts.socket import EXPIRED, FAILED, TRY_AGAIN, Offset
from shared.db import DATABASE_ERRORS, Database
from shared.entrance.credentials import Credentials
from shared.web import Call, Routes
from shared.web.application import FROM_OUTSIDE
from shared.web.limits import TooManyRequests
from shared.web.problems import InvalidInput

log = structlog.get_logger()

HEARTBEAT = 20.0
"""Seconds between pings; who does not answer within half of it is gone."""

MESSAGE_BYTES = 16 * 1024
"""The longest message a listener may send."""

connected = Gauge("marquee_notifier_sockets", "Open WebSockets")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes work with; ``now`` is Unix time in seconds."""

    database: Database
    hub: Hub
    crowd: Crowd
    credentials: Credentials
    now: Callable[[], float]


class Since(BaseModel):
    """What the listener had before; hello then says whether it can catch up."""

    since: Offset | None = None
    epoch: str | None = None


class EventsQuery(Since):
    """``since`` is the ``offset`` of the answer before; left out, the newest events are shown."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100


class ToldEvent(BaseModel):
    """An event, as the WebSocket tells it."""

    offset: int
    id: UUID
    type: Annotated[str, Field(examples=["converter.asset.status_changed"])]
    time: datetime
    data: dict[str, Any]


class Events(BaseModel):
    """Events and where to go on: ask with ``since=offset`` next.

    ``recovered`` is false when something may be missing between ``since`` and these events;
    load afresh what you show.
    """

    epoch: UUID
    offset: int
    events: list[ToldEvent]
    recovered: bool


live = Routes("Events")
routes = Routes("Events")


@live.get(
    "/ws",
    access="user",
    answers={101: None},
    refusals=[TooManyRequests, TooManySockets],
)
async def listen(call: Call[Parts], query: Since) -> web.WebSocketResponse:
    """Follow events over a WebSocket."""
    ws = web.WebSocketResponse(compress=False, max_msg_size=MESSAGE_BYTES, heartbeat=HEARTBEAT)
    if not ws.can_prepare(call.request):
        raise InvalidInput("This address speaks only WebSocket (RFC 6455).")
    claims = call.request[LISTENER]
    with call.parts.crowd.room(claims):
        await ws.prepare(call.request)
        socket = Socket(ws, call.request, claims)
        with _ending_with_the_session(call, socket), connected.track_inprogress():
            await _hold(socket, call.parts, query)
    return ws


async def _hold(socket: Socket, parts: Parts, query: Since) -> None:
    """Talk until the listener leaves, or is sent away."""
    life = socket.claims.expires - parts.now()
    expiry = asyncio.get_running_loop().call_later(life, socket.end, EXPIRED, "session expired")
    try:
        await Conversation(socket, parts.hub).hold(query.since, query.epoch)
    except DATABASE_ERRORS as error:
        log.info("socket_ended", error=repr(error))
        await socket.end(TRY_AGAIN, "try again later")
    except Exception:
        log.exception("socket_failed")
        await socket.end(FAILED, "internal error")
    finally:
        expiry.cancel()


def _ending_with_the_session(call: Call[Parts], socket: Socket) -> AbstractContextManager[None]:
    """Whom we let in, we send away; for the others the gateway watches, which let them in."""
    session = socket.claims.credential
    if session is None or FROM_OUTSIDE not in call.request:
        return nullcontext()
    end = partial(socket.end, EXPIRED, "the session has ended")
    return call.parts.credentials.watching(session, end)


@routes.get("/api/admin/events")
async def poll(call: Call[Parts], query: EventsQuery) -> Events:
    """Events since an offset, oldest first."""
    async with call.parts.database.transaction(call.context) as tx:
        found = await queries.events(tx, query.since, query.epoch, query.limit)
    told = [ToldEvent.model_validate(call.parts.hub.told(notice)) for notice in found.notices]
    return Events(
        epoch=found.stream.epoch, offset=found.offset, events=told, recovered=found.recovered
    )
