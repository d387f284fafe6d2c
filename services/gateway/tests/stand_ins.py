"""Stand-ins for the services: they answer on the admitted routes, and remember who asked."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import WSMsgType, web

from shared.contracts.converter import (
    WITHDRAWN,
    AssetInUse,
    AssetNotFound,
    RestorationUnderWay,
)
from shared.contracts.notifier import TooManySockets
from shared.contracts.refusal import Refusal
from shared.operating.parking import ParkedNotFound
from shared.runtime.keys import Keys
from shared.testing.identity import IdentityStandIn
from shared.web import Health, Routes
from shared.web.actor import HEADER, ActorSeal
from shared.web.application import application
from shared.web.problems import InvalidInput

ASSET_ID = "019a9d3c-5c00-7000-8000-000000000001"
PARKED_ID = "019a9d3c-5c00-7000-8000-0000000000b1"
UPLOAD_LIMIT = 300 * 1024 * 1024


_SHOW_PARKED = "/internal/parked/{id}"

_ASKED_BY_THE_GATEWAY = ("/internal/credentials", "/internal/api-keys", "/internal/tickets")


class TooLarge(Refusal):
    code = "too_large"
    status = 413
    title = "Too large"


def stand_in(
    name: str, keys: Keys, identity: IdentityStandIn, seen: list[web.Request]
) -> web.Application:
    """An application that answers for one service."""
    routes = Routes(name)
    seal = ActorSeal(keys.derive("internal-actor"), time.time)
    own = {
        "identity": [
            *identity.routes(),
            web.post("/api/auth/login", _log_in),
            web.post("/api/auth/logout", _done),
            web.get("/api/auth/session", _echo),
            web.get("/api/admin/users", _echo),
            web.get("/api/admin/users/{id}", _echo),
            web.post("/api/admin/users", _echo),
        ],
        "converter": [
            web.get("/api/admin/assets/{id}", _asset),
            web.delete("/api/admin/assets/{id}", _delete),
            web.get("/api/admin/assets", _large),
            web.post("/api/admin/assets", _upload),
            web.patch("/api/admin/uploads/{id}", _upload),
            web.options("/api/admin/uploads", _echo),
        ],
        "assignment": [
            web.get("/internal/assets/{id}/state", _state),
            web.post("/internal/assets/{id}/withdraw", _withdraw),
            web.post("/api/admin/assets/{id}/assign", _echo),
            web.post("/api/admin/assets/bulk-assign", _echo),
            web.post("/api/admin/operations/{id}/retry", _echo),
        ],
        "audit": [
            web.get("/api/admin/audit", _breaks_off),
            web.post(f"/internal/parked/{PARKED_ID}/replay", _replayed),
        ],
        "notifier": [web.get("/ws", _socket)],
    }[name]
    own += [web.get(_SHOW_PARKED, _no_parked), web.post(f"{_SHOW_PARKED}/replay", _no_parked)]
    for route in own:
        routes.raw(_remembered(route, seal, seen))
    health = Health()
    health.phase = "up"
    app = application(name, [routes], seal=seal, health=health)
    app[GATE], app[COUNTED], app[CLOSED] = asyncio.Event(), [0], []
    app[GONE], app[HEARD], app[RESTORED] = set(), [0], [0]
    return app


def _remembered(route: web.RouteDef, seal: ActorSeal, seen: list[web.Request]) -> web.RouteDef:
    handler: Any = route.handler

    async def handle(request: web.Request) -> web.StreamResponse:
        if HEADER in request.headers:
            seal.verify(request.headers[HEADER])
        if not request.path.startswith(_ASKED_BY_THE_GATEWAY):
            seen.append(request)
        answer: web.StreamResponse = await handler(request)
        return answer

    return web.RouteDef(route.method, route.path, handle, route.kwargs)


async def _done(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def _log_in(request: web.Request) -> web.Response:
    """Echo, and what a browser gets a cookie of."""
    echo = {"headers": dict(request.headers), "access_token": "a.b.c", "expires_in": 28_800}
    return web.json_response(echo)


async def _echo(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "path": request.raw_path,
            "headers": dict(request.headers),
            "body": (await request.read()).decode(),
        },
        headers={"X-From": "behind", "Connection": "X-Private", "X-Private": "1"},
    )


async def _asset(request: web.Request) -> web.Response:
    if request.match_info["id"] != ASSET_ID:
        raise web.HTTPNotFound
    return web.json_response({"id": ASSET_ID, "title": "old", "user_id": None})


async def _state(_: web.Request) -> web.Response:
    state = {"assigned_at": None, "assigned_by": None, "active_assignment_count": 1}
    return web.json_response({"user_id": "ada", "internal": True, **state})


async def _withdraw(request: web.Request) -> web.Response:
    """Only of the one asset is it known that nobody has it; only the first says that it is new.

    What is heard of it is newer with every call.
    """
    ident = request.match_info["id"]
    if ident != ASSET_ID:
        raise AssetInUse("Two users have it.", active_assignment_count=2)
    status = 200 if ident in request.app[GONE] else 201
    request.app[GONE].add(ident)
    request.app[HEARD][0] += 1
    return web.json_response({"asset_version": request.app[HEARD][0]}, status=status)


async def _delete(request: web.Request) -> web.Response:
    """Once, by a promise that is new enough."""
    ident = request.match_info["id"]
    if ident in request.app[GONE]:
        raise AssetNotFound(f"There is no asset {ident}.")
    if int(request.headers[WITHDRAWN]) < request.app[RESTORED][0]:
        raise RestorationUnderWay("Ask again.")
    request.app[GONE].add(ident)
    return web.Response(status=204)


async def _no_parked(_: web.Request) -> web.Response:
    raise ParkedNotFound("Not here.")


async def _replayed(request: web.Request) -> web.Response:
    return web.json_response({"key": request.headers["Idempotency-Key"]}, status=202)


async def _large(request: web.Request) -> web.StreamResponse:
    """As many megabytes as asked for."""
    response = web.StreamResponse()
    response.content_length = int(request.query["megabytes"]) * 2**20
    await response.prepare(request)
    for _ in range(int(request.query["megabytes"])):
        await response.write(bytes(2**20))
    return response


async def _upload(request: web.Request) -> web.Response:
    """Count the bytes, as slowly as asked for; refuse an announced or a counted excess at once."""
    limit = int(request.query.get("limit", UPLOAD_LIMIT))
    if (request.content_length or 0) > limit:
        raise TooLarge("announced")
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        request.app[COUNTED][0] = size
        if size > limit:
            raise TooLarge("counted")
        if "gate" in request.query:
            await request.app[GATE].wait()
    return web.json_response({"size": size}, status=201)


async def _breaks_off(request: web.Request) -> web.StreamResponse:
    """Half an answer."""
    response = web.StreamResponse()
    response.content_length = int(request.query["length"])
    await response.prepare(request)
    await response.write(b"half")
    assert request.transport
    request.transport.abort()
    return response


async def _socket(request: web.Request) -> web.WebSocketResponse:
    """Echo; ``close <code> <reason>`` closes so. Understands no query."""
    if "since" in request.query:
        raise InvalidInput("no number")
    if "crowded" in request.query:
        raise TooManySockets("no room")
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("hello")
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data.startswith("close "):
            _, code, reason = message.data.split(" ", 2)
            await socket.close(code=int(code), message=reason.encode())
        elif message.data == "flood":
            while not socket.closed:
                await socket.send_bytes(bytes(2**16))
        elif message.data == "vanish":
            assert request.transport
            request.transport.abort()
        else:
            await socket.send_str(message.data)
    request.app[CLOSED].append(socket.close_code)
    return socket


GATE = web.AppKey("gate", asyncio.Event)
COUNTED = web.AppKey("counted", list[int])
CLOSED = web.AppKey("closed", list[int | None])
GONE = web.AppKey("gone", set[str])
HEARD = web.AppKey("heard", list[int])
RESTORED = web.AppKey("restored", list[int])
