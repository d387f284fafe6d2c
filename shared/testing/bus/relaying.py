"""From the outboxes on to the bus."""

from __future__ import annotations

import asyncio

import pytest

from shared.bus.port import Unroutable
from shared.bus.relay import Relay
from shared.testing.bus.kit import (
    BusKit,
    Recorder,
    completed,
    eventually,
    homeless,
    on,
    ticket,
    undone,
)


class RelayConformance:
    """Inherit, and give ``kit``."""

    async def test_relays_many_outboxes_as_soon_as_they_commit(self, kit: BusKit) -> None:
        bus = await kit.bus()
        recorder = Recorder()
        bus.subscribe(on(kit.names.alpha, recorder, batch=100))
        relay = Relay(bus, [kit.sender, kit.receiver], poll=5)
        running = asyncio.create_task(relay.run())
        try:
            ids = await kit.emit(*(completed() for _ in range(300)))
            ids += await kit.emit(ticket(), by="receiver")
            await recorder.got(301)
        finally:
            running.cancel()
        assert sorted(recorder.ids) == sorted(ids)
        await eventually(lambda: _both_empty(kit), "both outboxes are empty")

    async def test_a_name_without_a_queue_stays_and_holds_up_nobody(self, kit: BusKit) -> None:
        bus = await kit.bus()
        recorder = Recorder()
        bus.subscribe(on(kit.names.beta, recorder))
        lost = await kit.emit(*(homeless() for _ in range(250)))
        sent = await kit.emit(ticket())
        relay = Relay(bus, [kit.sender], poll=0.02)
        running = asyncio.create_task(relay.run())

        async def only_the_lost_are_left() -> bool:
            rows = await kit.databases.as_admin("select id from sender.outbox order by seq")
            return [row["id"] for row in rows] == lost

        try:
            await recorder.got(1)
            await eventually(only_the_lost_are_left, "the others have left the outbox")
        finally:
            running.cancel()
        assert recorder.ids == sent

    async def test_names_what_is_unroutable(self, kit: BusKit) -> None:
        bus = await kit.bus()
        await kit.emit(homeless(), undone())
        with pytest.raises(Unroutable) as caught:
            await bus.relay(kit.sender)
        assert caught.value.names == [homeless().name]
        assert caught.value.moved == 1
        assert (await bus.depth(kit.names.gamma.name)).ready == 1


async def _both_empty(kit: BusKit) -> bool:
    """Whether no outbox holds anything."""
    return not await kit.waiting_in_outbox("sender") and not await kit.waiting_in_outbox("receiver")
