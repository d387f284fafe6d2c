"""Replicas of the notifier on one database, and listeners to talk to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from aiohttp import ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from services.notifier import http
from services.notifier.consumers import Listening, numbering
from services.notifier.crowd import Crowd
from services.notifier.doorway import Doorway
from services.notifier.hub import Hub
from shared.blobs.signing import MediaSigner
from shared.bus.port import Ack, Bus, Delivery
from shared.contracts.actor import Actor
from shared.contracts.assignment import AssetAssigned, OperationCompleted
from shared.contracts.context import Context
from shared.contracts.converter import AssetProgressed, AssetStatusChanged, RenditionReady
from shared.contracts.envelope import Message, seal
from shared.contracts.event import Event
from shared.contracts.identity import Role
from shared.contracts.notifier import EventsStored
from shared.db import Database
from shared.entrance.entrance import Entrance
from shared.runtime.ids import new_id
from shared.runtime.keys import Keys
from shared.runtime.service import Runtime
from shared.runtime.settings import RuntimeSettings
from shared.testing.callers import SEAL, signed
from shared.web.application import Gate, application

ADMIN = UUID("019a9d3c-5c00-7000-8000-00000000000a")
ANNA = UUID("019a9d3c-5c00-7000-8000-000000000001")
BOB = UUID("019a9d3c-5c00-7000-8000-000000000002")
ASSET = UUID("019a9d3c-5c00-7000-8000-0000000000a1")
OTHER_ASSET = UUID("019a9d3c-5c00-7000-8000-0000000000a2")

SIGNER = MediaSigner(b"m" * 32, time.time)

Listener = Callable[[Message], Awaitable[None]]


def status_changed(asset: UUID = ASSET, version: int = 2) -> AssetStatusChanged:
    """A conversion moved on."""
    return AssetStatusChanged(
        asset_id=asset, status="processing", previous_status="pending", version=version
    )


def rendition_ready() -> RenditionReady:
    """A GIF can be fetched."""
    key = f"default/renditions/{ASSET}/1/gif.gif"
    return RenditionReady(asset_id=ASSET, rendition="gif", object_key=key)


def assigned(user: UUID = ANNA, asset: UUID = ASSET) -> AssetAssigned:
    """Somebody has an asset."""
    return AssetAssigned(
        assignment_id=new_id(),
        operation_id=new_id(),
        asset_id=asset,
        user_id=user,
        previous_asset_id=None,
        undo_expires_at=datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC),
    )


def completed() -> OperationCompleted:
    """An operation is done."""
    return OperationCompleted(operation_id=new_id(), kind="assign", user_count=1)


def progressed(percent: int, asset: UUID = ASSET) -> AssetProgressed:
    """A conversion is so far."""
    return AssetProgressed(asset_id=asset, percent=percent, stage="webm")


def sealed(event: Event, tenant: str = "default") -> Message:
    """A fact as it comes from the bus."""
    return seal(event, ident=new_id(), time=datetime.now(UTC), context=Context(tenant))


class Broadcasts:
    """Passes transient messages to every replica, or, while ``lost``, to none."""

    def __init__(self) -> None:
        self.lost = False
        self.listeners: list[tuple[str, Listener]] = []

    async def broadcast(self, message: Message) -> None:
        """Call the listeners of this name."""
        for name, listener in self.listeners:
            if name == message.name and not self.lost:
                await listener(message)


class Ears:
    """A WebSocket client that knows what it has been told."""

    def __init__(self, ws: ClientWebSocketResponse[bool], hello: dict[str, Any]) -> None:
        self.ws = ws
        self.hello = hello

    async def next(self) -> dict[str, Any]:
        """The next message. Raises AssertionError if the socket ends or is silent."""
        async with asyncio.timeout(5):
            message = await self.ws.receive()
        assert message.type is WSMsgType.TEXT, (message, self.ws.close_code)
        return cast(dict[str, Any], message.json())

    async def take(self, count: int) -> list[dict[str, Any]]:
        """The next messages."""
        return [await self.next() for _ in range(count)]

    async def silent(self, seconds: float = 0.1) -> bool:
        """Whether nothing comes for a moment."""
        try:
            async with asyncio.timeout(seconds):
                await self.ws.receive()
        except TimeoutError:
            return True
        return False

    async def subscribe(self, *topics: str, **more: Any) -> dict[str, Any]:
        """Subscribe; return the answer."""
        await self.ws.send_json({"action": "subscribe", "topics": list(topics), **more})
        return await self.next()

    async def close_code(self) -> int | None:
        """Read on to the end; the code it ended with."""
        async with asyncio.timeout(10):
            while not self.ws.closed:
                await self.ws.receive()
        return self.ws.close_code


def entrance(peers: Mapping[str, str], **settings: Any) -> Entrance:
    """The entrance of a notifier that finds ``identity`` among its peers."""
    unused: Any = None
    return Entrance.of(
        Runtime(
            settings=RuntimeSettings(**settings),
            keys=Keys(b"root", b"audit"),
            new_id=new_id,
            bus=unused,
            blobs=unused,
            databases={},
            peers=peers,
            sole_process=True,
            work_dir=unused,
        )
    )


class Replica:
    """One notifier."""

    def __init__(self, database: Database, broadcasts: Broadcasts, entrance: Entrance) -> None:
        self.entrance = entrance
        self.hub = Hub(database, SIGNER)
        self.crowd = Crowd(per_user=100, per_tenant=1000)
        self.database = database
        self.broadcasts = broadcasts
        listening = Listening(self.hub)
        broadcasts.listeners += [
            (EventsStored.name, listening.on_stored),
            (AssetProgressed.name, listening.on_progress),
        ]
        self._subscription = numbering(database, cast(Bus, broadcasts), new_id)
        self.client: TestClient[web.Request, web.Application]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen and fan out."""
        credentials = self.entrance.credentials
        parts = http.Parts(self.database, self.hub, self.crowd, credentials, time.time)
        live = http.live.given(parts).behind(Doorway(Gate(SEAL), self.entrance).admit)
        live.at_shutdown(self.hub.close)
        app = application("notifier", [live, http.routes.given(parts)], seal=SEAL, hushed=True)
        await self.entrance.upstream.open()
        async with TestClient(TestServer(app)) as self.client:
            fan_out = asyncio.create_task(self.hub.run())
            yield
            fan_out.cancel()
        await self.entrance.upstream.close()

    async def consume(self, *events: Event, tenant: str = "default") -> None:
        """Take facts from the bus."""
        await self.consume_messages([sealed(event, tenant) for event in events])

    async def consume_messages(self, messages: Sequence[Message]) -> None:
        """Take messages from the bus."""
        deliveries = [Delivery(message, 0) for message in messages]
        outcomes = await self._subscription.handler(deliveries)
        assert list(outcomes) == [Ack()] * len(deliveries)

    def headers(
        self,
        user: UUID = ADMIN,
        role: Role = "admin",
        tenant: str = "default",
        seconds: float = 60,
    ) -> dict[str, str]:
        """What the gateway says of a caller."""
        return signed(role, tenant=tenant, actor=Actor.user(user), seconds=seconds)

    async def connect(self, query: str = "", **caller: Any) -> Ears:
        """Open a WebSocket and hear hello."""
        ws = await self.client.ws_connect(f"/ws{query}", headers=self.headers(**caller))
        ears = Ears(ws, {})
        ears.hello = await ears.next()
        return ears

    async def poll(self, query: str = "", **caller: Any) -> dict[str, Any]:
        """Ask for events."""
        path = f"/api/admin/events{query}"
        async with self.client.get(path, headers=self.headers(**caller)) as answer:
            assert answer.status == 200, await answer.text()
            return cast(dict[str, Any], await answer.json())


def offsets(messages: list[dict[str, Any]]) -> list[int]:
    """In the order they were heard."""
    return [message["offset"] for message in messages]
