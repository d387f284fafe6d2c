"""The bus port: what every adapter promises, and what the conformance suite checks.

An adapter moves messages from the outboxes of services to the queues of the topology, hands them
to handlers, and settles each as its handler decided. It never looks into a body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid5

from shared.bus.outbox import Outbox
from shared.contracts.envelope import Message


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message handed to a handler; ``attempt`` is 0 the first time."""

    message: Message
    attempt: int


@dataclass(frozen=True, slots=True)
class Ack:
    """Done; forget the message."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after the next delay; park when there is none left."""

    reason: str


@dataclass(frozen=True, slots=True)
class Park:
    """No retry will help; keep the message where a person can look at it and replay it."""

    reason: str


Outcome = Ack | Retry | Park

Handler = Callable[[Sequence[Delivery]], Awaitable[Sequence[Outcome]]]
"""Settles a batch: one outcome per delivery, in order.

A handler that raises, NotNow or anything else, says that it cannot work: after a growing pause it
is called again with the same deliveries, their attempts unspent; what waits behind them waits on.
"""

Listener = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler on a queue. Replicas that subscribe to the same queue compete.

    Up to ``batch`` deliveries form one call; up to ``concurrency`` calls run at once.
    """

    queue: str
    handler: Handler
    batch: int = 1
    concurrency: int = 1


@dataclass(frozen=True, slots=True)
class Depth:
    """A queue: messages waiting to be handed out, messages parked beside it, and who consumes.

    ``oldest`` is when the first of those waiting was sent, where that can be told without handing
    it out.
    """

    ready: int
    parked: int
    consumers: int = 0
    oldest: datetime | None = None


REPLAYS = "ce-replays"
"""The header that counts how often a message was replayed; it outlives retries and parking."""

_PARKINGS = UUID("6d617271-7565-4e65-8000-000000000001")
"""The namespace of the ids of parkings (RFC 9562, version 5)."""


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """A message that was given up on, and why."""

    queue: str
    message: Message
    reason: str
    attempts: int
    parked_at: datetime

    @property
    def replays(self) -> int:
        """How often it was replayed before; a count that cannot be read is none."""
        told = self.message.headers.get(REPLAYS, "")
        return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0

    @property
    def id(self) -> UUID:
        """Names this parking: the same for copies that a crash made, another after a replay."""
        return uuid5(_PARKINGS, f"{self.queue} {self.message.id} {self.replays}")

    def again(self) -> Message:
        """The message as it is replayed: its id is kept, so that it takes effect once."""
        headers = {**self.message.headers, REPLAYS: str(self.replays + 1)}
        return replace(self.message, headers=headers)


class Unroutable(Exception):
    """No queue is bound to these event names; their messages stay in the outbox.

    ``moved`` counts the rows of the same batch that did leave it.
    """

    def __init__(self, names: Iterable[str], moved: int = 0) -> None:
        self.names = sorted(set(names))
        self.moved = moved
        super().__init__(f"no queue is bound to {', '.join(self.names)}")


class NotNow(Exception):
    """What a handler needs is away for a while, such as its database; it is not the message."""


class BusUnavailable(Exception):
    """The broker cannot be reached, refuses, or does not confirm in time."""


class Bus(Protocol):
    """Durable topics with competing consumers, and transient broadcasts.

    Promises: a message relayed from an outbox reaches every queue bound to its name at least
    once, and the same handler decides its fate; ``Ack``, ``Retry`` and ``Park`` survive a crash;
    nothing is lost while the broker is away.
    """

    async def open(self) -> None:
        """Connect and declare the whole topology.

        Raises BusUnavailable if the first try fails; more follow until ``close``, so whoever
        prefers to start degraded may go on.
        """

    async def close(self) -> None:
        """Release every connection, and stop at once what ``stop`` has not stopped before."""

    async def relay(self, outbox: Outbox) -> int:
        """Move one batch out of an outbox, oldest first; return how many rows were moved.

        A row leaves the outbox only when every queue bound to its name holds the message.
        Raises BusUnavailable, and Unroutable once everything else of the batch has been moved.
        """

    async def broadcast(self, message: Message) -> None:
        """Send to whoever listens now, at most once, without waiting; an outage drops it."""

    def listen(self, name: str, listener: Listener) -> None:
        """Call ``listener`` for each broadcast of this name, in this process."""

    def subscribe(self, subscription: Subscription) -> None:
        """Start handing out messages; survives reconnects until ``stop``."""

    async def stop(self, grace: float) -> None:
        """Hand out nothing more, and wait up to ``grace`` seconds for running handlers.

        What is still unsettled then is handed out again to someone else, attempts unspent.
        """

    async def depth(self, queue: str) -> Depth:
        """How much waits in a queue. Raises BusUnavailable."""

    async def parked(self, queue: str, limit: int = 100) -> list[ParkedMessage]:
        """Look at parked messages, oldest first, without taking them."""

    async def discard(self, queue: str, parkings: Collection[UUID]) -> int:
        """Forget the parked messages of these ids, with their copies; return how many those were.

        Raises BusUnavailable.
        """

    async def missing(self) -> list[str]:
        """Queues of the topology that are not there. Raises BusUnavailable."""

    async def declare(self) -> None:
        """Declare the whole topology once more. Raises BusUnavailable."""

    def version(self) -> str | None:
        """What carries the messages, with its version; None while it cannot be asked."""

    def healthy(self) -> bool:
        """Whether messages can flow right now."""
