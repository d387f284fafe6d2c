"""What the tests of a bus need: queues, senders, receivers, and buses that come and go."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import orjson

from shared.bus.outbox import Outbox
from shared.bus.port import Ack, Bus, Delivery, Outcome, ParkedMessage, Subscription
from shared.contracts.assignment import OperationCompleted, OperationUndone
from shared.contracts.context import Context
from shared.contracts.converter import AssetProgressed, RenditionReady, TicketIssued
from shared.contracts.envelope import Message
from shared.contracts.event import Event
from shared.contracts.topology import Queue
from shared.db.database import Tx
from shared.db.migrate import Schema
from shared.testing.databases import Databases

_SCHEMAS = Path(__file__).with_name("schemas")

SENDER = Schema("sender", _SCHEMAS / "sender")
RECEIVER = Schema("receiver", _SCHEMAS / "receiver")

PATIENCE = 20.0
"""Seconds any test waits for what must happen."""


class Names:
    """A small topology under a prefix of its own; ``RenditionReady`` reaches no queue."""

    def __init__(self, prefix: str) -> None:
        self.exchange = f"{prefix}.events"
        self.alpha = Queue(f"{prefix}.alpha", (TicketIssued, OperationCompleted))
        self.beta = Queue(f"{prefix}.beta", (TicketIssued,))
        self.gamma = Queue(f"{prefix}.gamma", (OperationUndone,))

    @property
    def queues(self) -> tuple[Queue, ...]:
        """All of it."""
        return (self.alpha, self.beta, self.gamma)


class BusKit(ABC):
    """A fresh database and topology, and as many buses on it as a test wants."""

    def __init__(self, databases: Databases, names: Names, delays: tuple[float, ...]) -> None:
        self.databases = databases
        self.names = names
        self.delays = delays
        self.sender = Outbox("sender", databases["sender"])
        self.receiver = Outbox("receiver", databases["receiver"])
        self.buses: list[Bus] = []

    @abstractmethod
    def build(self) -> Bus:
        """A bus, not yet open."""

    async def bus(self) -> Bus:
        """A new bus, as another process would open it; closed after the test."""
        bus = self.build()
        self.buses.append(bus)
        await bus.open()
        return bus

    async def close(self) -> None:
        """Close all buses."""
        for bus in self.buses:
            await bus.close()

    async def emit(self, *events: Event, tenant: str = "default", by: str = "sender") -> list[UUID]:
        """Commit events to an outbox; return their ids."""
        async with self.databases[by].transaction(Context(tenant, correlation_id="story")) as tx:
            return [tx.emit(event) for event in events]

    async def send(self, bus: Bus, *events: Event, tenant: str = "default") -> list[UUID]:
        """Emit and relay."""
        ids = await self.emit(*events, tenant=tenant)
        await self.relay(bus)
        return ids

    async def relay(self, bus: Bus) -> int:
        """Move everything there is; return how many."""
        moved = 0
        while batch := await bus.relay(self.sender):
            moved += batch
        return moved

    async def replay(self, bus: Bus, given_up: ParkedMessage) -> None:
        """Send a parked message to its queue again, and forget it where it was parked."""
        async with self.databases["sender"].transaction(Context("default")) as tx:
            tx.forward(given_up.again(), to=given_up.queue)
        await self.relay(bus)
        assert await bus.discard(given_up.queue, [given_up.id]) == 1

    async def put(
        self,
        message: Message,
        *,
        ident: UUID | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> UUID:
        """Put a message into the outbox as it is, or spoilt; return its id."""
        ident = ident or message.id
        await self.databases.as_admin(
            "insert into sender.outbox (id, type, aggregateid, headers, payload) "
            "values ($1, $2, '', $3, $4)",
            ident,
            message.name,
            orjson.dumps(message.headers if headers is None else headers),
            message.body if body is None else body,
        )
        return ident

    async def waiting_in_outbox(self, schema: str = "sender") -> int:
        """Rows left."""
        rows = await self.databases.as_admin(f"select from {schema}.outbox")
        return len(rows)

    async def effects(self) -> list[UUID]:
        """The ids of the events that took effect at the receiver."""
        rows = await self.databases.as_admin("select event_id from receiver.effects")
        return [row["event_id"] for row in rows]

    async def took_effect(self, expected: Iterable[UUID], *, calm: float = 0.2) -> None:
        """Wait for these effects, each once, and for a moment in which no other comes."""
        wanted = Counter(expected)

        async def enough() -> bool:
            return len(await self.effects()) >= wanted.total()

        await eventually(enough, f"{wanted.total()} effects")
        await asyncio.sleep(calm)
        seen = Counter(await self.effects())
        assert seen == wanted, f"missing {wanted - seen}, too many {seen - wanted}"


async def leave_effect(tx: Tx, _: Event) -> None:
    """A consumer function: mark the event whose context this is."""
    await tx.connection.execute(
        "insert into receiver.effects (event_id, tenant) values ($1, $2)",
        tx.context.causation_id,
        tx.context.tenant,
    )


class Recorder:
    """A handler that remembers its batches and answers as it is told."""

    def __init__(self, answer: Callable[[Delivery], Outcome] = lambda _: Ack()) -> None:
        self.batches: list[Sequence[Delivery]] = []
        self.times: list[float] = []
        self._answer = answer

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        self.batches.append(deliveries)
        self.times.append(asyncio.get_running_loop().time())
        return [self._answer(delivery) for delivery in deliveries]

    @property
    def deliveries(self) -> list[Delivery]:
        """All, in order of arrival."""
        return [delivery for batch in self.batches for delivery in batch]

    @property
    def ids(self) -> list[UUID]:
        """Of all messages, in order of arrival."""
        return [delivery.message.id for delivery in self.deliveries]

    async def got(self, number: int) -> None:
        """Wait for so many deliveries."""
        await eventually(lambda: len(self.deliveries) >= number, f"{number} deliveries")


class Stuck:
    """A handler that begins and does not end; ``let_go`` allows it to acknowledge."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.let_go = asyncio.Event()
        self.cancelled = False

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        self.began.set()
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return [Ack()] * len(deliveries)


async def eventually(
    true: Callable[[], bool | Awaitable[bool]], what: str, patience: float = PATIENCE
) -> None:
    """Wait until something holds. Raises AssertionError."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        answer = true()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert asyncio.get_running_loop().time() < deadline, f"still not: {what}"
        await asyncio.sleep(0.02)


async def empty(bus: Bus, queue: Queue) -> None:
    """Wait until nothing waits in a queue."""

    async def is_empty() -> bool:
        return (await bus.depth(queue.name)).ready == 0

    await eventually(is_empty, f"{queue.name} is empty")


async def parked(bus: Bus, queue: Queue, number: int = 1) -> None:
    """Wait until so many messages are parked."""

    async def are_parked() -> bool:
        return (await bus.depth(queue.name)).parked == number

    await eventually(are_parked, f"{number} parked beside {queue.name}")


def ticket() -> TicketIssued:
    """For alpha and beta."""
    return TicketIssued(ticket_id=uuid4())


def completed() -> OperationCompleted:
    """For alpha only."""
    return OperationCompleted(operation_id=uuid4(), kind="assign", user_count=1)


def undone() -> OperationUndone:
    """For gamma only."""
    return OperationUndone(operation_id=uuid4(), kind="assign", user_count=1)


def homeless() -> RenditionReady:
    """For no queue."""
    return RenditionReady(asset_id=uuid4(), rendition="gif", object_key="default/x.gif")


def progress(percent: int) -> AssetProgressed:
    """Transient."""
    return AssetProgressed(asset_id=uuid4(), percent=percent, stage="webm")


def now() -> datetime:
    """For what is sealed by hand."""
    return datetime.now(UTC)


def on(queue: Queue, handler: Recorder | Stuck, **options: int) -> Subscription:
    """Subscribe a handler to a queue."""
    return Subscription(queue.name, handler, **options)
