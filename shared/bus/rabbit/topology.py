"""Exchanges, queues and bindings as RabbitMQ knows them.

What is declared here cannot be changed without deleting a queue, so it is only what a plain
broker needs to lose nothing; limits of length and memory belong into policies.
Sources: RabbitMQ's documentation of quorum queues, TTL and dead lettering, as of 3.10.
"""

from __future__ import annotations

from dataclasses import dataclass

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from pamqp.commands import Queue as QueueMethods
from pamqp.common import FieldTable

from shared.contracts.topology import EXCHANGE, QUEUES, RETRY_DELAYS, Queue

Counts = QueueMethods.DeclareOk
"""What the broker says of a queue: ``message_count`` (ready ones) and ``consumer_count``."""

_CRASHES = 20
"""Deliveries that end with the death of their consumer, before a message is parked."""

_KEEP = 1_000_000_000
"""A delivery limit as good as none: looking at a parked message counts as a delivery."""

_LOSE_NOTHING: FieldTable = {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",  # what the strategy requires
    "x-dead-letter-exchange": "",  # the default exchange: its routing keys are queue names
}


@dataclass(frozen=True, slots=True)
class Topology:
    """All queues, the exchange of all events, and the delays between attempts in seconds."""

    queues: tuple[Queue, ...] = QUEUES
    exchange: str = EXCHANGE
    retry_delays: tuple[float, ...] = RETRY_DELAYS

    def retry(self, attempt: int) -> str | None:
        """The exchange that delays the next attempt after this one, or None after the last."""
        if attempt >= len(self.retry_delays):
            return None
        return f"{self.exchange.rpartition('.')[0]}.retry.{self.retry_delays[attempt]:g}s"

    def queue(self, name: str) -> Queue:
        """The queue of this name. Raises KeyError."""
        return {queue.name: queue for queue in self.queues}[name]


async def declare(channel: AbstractChannel, topology: Topology) -> dict[str, Counts]:
    """Declare everything, harmless when it is there already; return the counts of each queue."""
    await channel.declare_exchange(topology.exchange, ExchangeType.TOPIC, durable=True)
    for attempt, delay in enumerate(topology.retry_delays):
        await _declare_delay(channel, topology.retry(attempt) or "", delay)
    return {queue.name: await _declare_queue(channel, topology, queue) for queue in topology.queues}


async def _declare_queue(channel: AbstractChannel, topology: Topology, queue: Queue) -> Counts:
    """A queue with its bindings, and the queue of its parked messages.

    What crashes its consumer again and again is parked by the broker itself.
    """
    await channel.declare_queue(
        queue.parked,
        durable=True,
        arguments={"x-queue-type": "quorum", "x-delivery-limit": _KEEP},
    )
    parking: FieldTable = {"x-delivery-limit": _CRASHES, "x-dead-letter-routing-key": queue.parked}
    declared = await channel.declare_queue(
        queue.name, durable=True, arguments=_LOSE_NOTHING | parking
    )
    for name in queue.bindings:
        await declared.bind(topology.exchange, routing_key=name)
    return declared.declaration_result


async def _declare_delay(channel: AbstractChannel, name: str, seconds: float) -> None:
    """A delay shared by all consumers.

    Messages keep their routing key, which is the queue they failed in; when their time is over
    the default exchange takes them back there. One fixed delay a queue, because expired messages
    leave only from its head.
    """
    exchange = await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
    queue = await channel.declare_queue(
        name, durable=True, arguments=_LOSE_NOTHING | {"x-message-ttl": round(seconds * 1000)}
    )
    await queue.bind(exchange)
