"""The bus on a broker that is killed and frozen: nothing is lost, nobody needs a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import pytest

from shared.bus.consumer import OnFact, consumer
from shared.bus.port import Bus, BusUnavailable, Subscription
from shared.bus.relay import Relay
from shared.contracts.assignment import OperationCompleted
from shared.contracts.converter import TicketIssued
from shared.contracts.event import Event
from shared.testing.brokers import Breakable
from shared.testing.bus.kit import (
    PATIENCE,
    RECEIVER,
    SENDER,
    completed,
    eventually,
    leave_effect,
    ticket,
)
from shared.testing.bus.rabbit import QUICK, RabbitKit
from shared.testing.fixtures import OpenDatabases


@pytest.fixture
async def kit(databases: OpenDatabases, breakable_broker: Breakable) -> AsyncIterator[RabbitKit]:
    """A fresh kit on a broker of its own."""
    kit = RabbitKit(await databases(SENDER, RECEIVER), breakable_broker.url, QUICK)
    yield kit
    await kit.close()


async def test_a_broker_killed_under_load_loses_nothing(
    kit: RabbitKit, breakable_broker: Breakable
) -> None:
    """Both those who were connected and those who started meanwhile find it again."""
    bus = await kit.bus()
    async with _everything_running(kit, bus) as sent:
        await eventually(lambda: len(sent) > 100, "a load")
        await breakable_broker.kill()
        with pytest.raises(BusUnavailable):
            await bus.depth(kit.names.alpha.name)
        with pytest.raises(BusUnavailable):
            await kit.bus()
        early, late = kit.buses
        late.subscribe(_marking(kit))
        await breakable_broker.start()
        for each in (early, late):
            await eventually(each.healthy, "the bus is back", patience=PATIENCE)
        seen = len(sent)
        await eventually(lambda: len(sent) > seen + 50, "a load")
    await kit.took_effect(sent)
    assert not await kit.waiting_in_outbox()


async def test_a_frozen_broker_stops_nobody(kit: RabbitKit, breakable_broker: Breakable) -> None:
    """No call hangs; what is emitted meanwhile arrives afterwards."""
    bus = await kit.bus()
    async with _everything_running(kit, bus) as sent:
        await eventually(lambda: len(sent) > 50, "a load")
        breakable_broker.pause()
        try:
            async with asyncio.timeout(2 * QUICK.heartbeat):  # which would find it after three
                await eventually(lambda: not bus.healthy(), "the outage is noticed")
                with pytest.raises(BusUnavailable):
                    await bus.relay(kit.sender)
                with pytest.raises(BusUnavailable):
                    await bus.depth(kit.names.alpha.name)
            seen = len(sent)
            await eventually(lambda: len(sent) > seen + 20, "emitting goes on")
        finally:
            breakable_broker.resume()
        await eventually(bus.healthy, "the bus is back", patience=PATIENCE)
    await kit.took_effect(sent)
    assert not await kit.waiting_in_outbox()


@asynccontextmanager
async def _everything_running(kit: RabbitKit, bus: Bus) -> AsyncIterator[list[UUID]]:
    """Emit, relay and consume all the time; gives the ids of what was emitted.

    The relay goes on until the test ends.
    """
    sent: list[UUID] = []
    bus.subscribe(_marking(kit))

    enough = asyncio.Event()

    async def emit() -> None:
        while not enough.is_set():
            sent.extend(await kit.emit(ticket(), *(completed() for _ in range(4))))
            await asyncio.sleep(0.01)

    relaying = asyncio.create_task(Relay(bus, [kit.sender]).run())
    emitting = asyncio.create_task(emit())
    try:
        yield sent
        enough.set()
        await emitting
        await eventually(lambda: _relayed(kit), "the outbox is empty")
    finally:
        await _end(emitting)
        await _end(relaying)


def _marking(kit: RabbitKit) -> Subscription:
    handlers: dict[type[Event], OnFact] = {
        TicketIssued: leave_effect,
        OperationCompleted: leave_effect,
    }
    database = kit.databases["receiver"]
    return consumer(kit.names.alpha, database, handlers, batch=10, concurrency=2)


async def _relayed(kit: RabbitKit) -> bool:
    return not await kit.waiting_in_outbox()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
