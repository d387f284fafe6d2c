"""A service with queues on either bus, and parked messages in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from shared.bus.embedded import EmbeddedBus
from shared.bus.outbox import Outbox
from shared.bus.port import Bus, Park, ParkedMessage
from shared.bus.rabbit import RabbitBus
from shared.bus.rabbit.topology import Topology
from shared.contracts.context import Context
from shared.contracts.maintenance import NotifierMaintained
from shared.contracts.notifier import EventsStored  # noqa: F401 - registers what notifier says
from shared.contracts.topology import AUDIT_TRAIL, NOTIFIER_STORE, Queue
from shared.operating import parked_http
from shared.operating.parking import ParkingLot
from shared.testing.bus.kit import Recorder, eventually, on, undone
from shared.testing.bus.rabbit import QUICK
from shared.testing.callers import SEAL, signed
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases
from shared.web.application import application

QUEUES = (NOTIFIER_STORE, AUDIT_TRAIL)


@dataclass
class Site:
    """The notifier's schema and its parking lot, on a bus."""

    databases: Databases
    bus: Bus
    lot: ParkingLot
    client: TestClient

    @property
    def outbox(self) -> Outbox:
        """Where events wait for the bus."""
        return Outbox("notifier", self.databases["notifier"])

    async def relay(self) -> None:
        """Move everything there is."""
        while await self.bus.relay(self.outbox):
            pass

    async def park(self, *tenants: str) -> list[ParkedMessage]:
        """Let a message of each tenant fail for good; return them as they are parked."""
        for tenant in tenants:
            async with self.databases["notifier"].transaction(Context(tenant)) as tx:
                tx.emit(undone(), to=NOTIFIER_STORE.name)
        await self.relay()
        self.bus.subscribe(on(NOTIFIER_STORE, Recorder(lambda _: Park("ValueError('bad')"))))
        await self.parked(len(tenants))
        await self.bus.stop(1)
        return await self.bus.parked(NOTIFIER_STORE.name)

    async def parked(self, count: int) -> None:
        """Wait until so many lie there."""

        async def lie_there() -> bool:
            return (await self.bus.depth(NOTIFIER_STORE.name)).parked == count

        await eventually(lie_there, f"{count} parked")

    async def ask(self, method: str, path: str, tenant: str = "default", **more: Any) -> Any:
        """Status and body of an answer."""
        headers = signed(tenant=tenant) | more.pop("headers", {})
        async with self.client.request(method, path, headers=headers, **more) as answer:
            return answer.status, await answer.json()

    async def told(self) -> list[str]:
        """Names of the events that wait in the outbox, or the queues they are for."""
        rows = await self.databases.as_admin("select type from notifier.outbox order by seq")
        return [row["type"] for row in rows]


@pytest.fixture(params=["embedded", "rabbit"])
async def site(
    request: pytest.FixtureRequest, databases: OpenDatabases, amqp_url: str
) -> AsyncIterator[Site]:
    """A fresh one."""
    opened = await databases("notifier", "bus")
    bus: Bus
    if request.param == "embedded":
        bus = EmbeddedBus(opened["bus"], queues=QUEUES, retry_delays=(0.1,))
    else:
        bus = RabbitBus(amqp_url, topology=Topology(QUEUES, f"t{uuid4().hex}.events"), timing=QUICK)
    await bus.open()
    queues: tuple[Queue, ...] = (NOTIFIER_STORE,)
    lot = ParkingLot(opened["notifier"], bus, queues, NotifierMaintained)
    app = application("notifier", [parked_http.routes.given(lot)], seal=SEAL)
    async with TestClient(TestServer(app)) as client:
        yield Site(opened, bus, lot, client)
    await bus.close()
