"""The bus port: what every adapter promises, and what the conformance suite checks.

An adapter moves messages from the outboxes of services to the queues of the topology, hands them
to handlers, and settles each as its handler decided. It never looks into a body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

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
    """Messages in a queue: waiting to be handed out, and parked beside it."""

    ready: int
    parked: int


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """A message that was given up on, and why."""

    queue: str
    message: Message
    reason: str
    attempts: int
    parked_at: datetime


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

    async def replay(self, queue: str, message_id: UUID) -> bool:
        """Put a parked message back into its queue as a first attempt; False if it is not there."""

    def healthy(self) -> bool:
        """Whether messages can flow right now."""
