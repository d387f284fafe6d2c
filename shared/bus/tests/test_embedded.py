"""The embedded bus: the promises of every bus, and its own of memory and recovery."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from shared.bus.embedded import EmbeddedBus
from shared.bus.embedded.store import WINDOW
from shared.contracts.topology import Queue
from shared.testing.bus.conformance import BusConformance
from shared.testing.bus.kit import (
    RECEIVER,
    SENDER,
    BusKit,
    Names,
    Recorder,
    Stuck,
    completed,
    empty,
    eventually,
    on,
    ticket,
)
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases

ROOT = Path(__file__).parents[3]

DELAYS = (0.2, 0.4)


class EmbeddedKit(BusKit):
    """Buses on the bus schema; one is open at a time, as in the product."""

    def __init__(self, databases: Databases) -> None:
        self.prefix = f"t{uuid4().hex[:8]}"
        super().__init__(databases, Names(self.prefix), DELAYS)

    def build(self) -> EmbeddedBus:
        return EmbeddedBus(
            self.databases["bus"], queues=self.names.queues, retry_delays=self.delays
        )

    async def settled(self, queue: Queue) -> None:
        """Wait until the table holds nothing of a queue."""

        async def gone() -> bool:
            rows = await self.databases.as_admin(
                "select from bus.queue where queue = $1", queue.name
            )
            return not rows

        await eventually(gone, f"all of {queue.name} is settled")


@pytest.fixture
async def kit(databases: OpenDatabases) -> AsyncIterator[EmbeddedKit]:
    """A fresh kit."""
    kit = EmbeddedKit(await databases(SENDER, RECEIVER, "bus"))
    yield kit
    await kit.close()


class TestEmbeddedBus(BusConformance):
    """Passes the suite."""


async def test_a_slow_consumer_is_neither_lost_nor_in_the_way(kit: EmbeddedKit) -> None:
    """More waits than is kept in memory; the rest is read back in order."""
    bus = await kit.bus()
    slow, fast = Stuck(), Recorder()
    bus.subscribe(on(kit.names.alpha, slow))
    bus.subscribe(on(kit.names.beta, fast, batch=100))
    first = await kit.send(bus, ticket())
    await slow.began.wait()
    rest = await kit.send(bus, *(ticket() for _ in range(2 * WINDOW + 100)))
    await fast.got(len(first + rest))
    assert fast.ids == first + rest
    assert (await bus.depth(kit.names.alpha.name)).ready == len(rest)
    await bus.stop(grace=0)
    heir, recorder = await kit.bus(), Recorder()
    heir.subscribe(on(kit.names.alpha, recorder, batch=100))
    late = await kit.send(heir, *(completed() for _ in range(50)))
    await recorder.got(len(first + rest + late))
    assert recorder.ids == first + rest + late
    await empty(heir, kit.names.alpha)


async def test_what_spilled_while_a_line_was_full_is_handed_out(kit: EmbeddedKit) -> None:
    """The line runs full, spills, drains and fills again, without a restart."""
    bus = await kit.bus()
    stuck = Stuck()
    bus.subscribe(on(kit.names.beta, stuck, batch=50))
    for _ in range(3):
        await kit.send(bus, *(ticket() for _ in range(700)))
    stuck.let_go.set()
    await kit.settled(kit.names.beta)
    await kit.send(bus, ticket())
    await kit.settled(kit.names.beta)


async def test_a_replay_reaches_a_line_that_has_spilled(kit: EmbeddedKit) -> None:
    """A row of old keeps its place in the table, not in the line: it must go to the end."""
    bus = await kit.bus()
    (ident,) = await kit.send(bus, ticket())
    await kit.databases.as_admin("update bus.queue set parked_at = now(), reason = 'by hand'")
    stuck = Stuck()
    bus.subscribe(on(kit.names.beta, stuck, batch=100))
    await kit.send(bus, *(ticket() for _ in range(WINDOW + 300)))
    await stuck.began.wait()
    (given_up,) = await bus.parked(kit.names.beta.name)
    assert given_up.message.id == ident
    await kit.replay(bus, given_up)
    stuck.let_go.set()
    await kit.settled(kit.names.beta)


async def test_killed_again_and_again_every_event_takes_effect_once(kit: EmbeddedKit) -> None:
    """SIGKILL at random moments of relaying and consuming."""
    seed = random.randrange(2**32)
    print("seed", seed)
    moments = random.Random(seed)
    sent = []
    for _ in range(4):
        victim = await _victim(kit)
        for _ in range(6):
            sent += await kit.emit(*(completed() for _ in range(50)))
        await asyncio.sleep(moments.uniform(0, 0.15))
        victim.kill()
        await victim.wait()
    survivor = await _victim(kit)
    try:
        await kit.took_effect(sent)
    finally:
        survivor.kill()
        await survivor.wait()
    assert not await kit.waiting_in_outbox()


async def _victim(kit: EmbeddedKit) -> asyncio.subprocess.Process:
    victim = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shared.testing.bus.victim",
        kit.databases.dsn,
        kit.prefix,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert victim.stdout is not None
    async with asyncio.timeout(20):
        assert await victim.stdout.readline() == b"alive\n"
    return victim
