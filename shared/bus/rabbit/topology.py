"""Exchanges, queues and bindings as RabbitMQ knows them.

What is declared here cannot be changed without deleting a queue, so it is only what a plain
broker needs to lose nothing; limits of length and memory belong into policies.
Sources: RabbitMQ's documentation of quorum queues, TTL and dead lettering, as of 3.10.
"""

from __future__ import annotations

from dataclasses import dataclass

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from aiormq.abc import AbstractChannel as AbstractBroker
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
    """Declare everything, harmless when it is there already; return the counts of each queue.

    All is said without waiting for replies, and then asked for: over a slow line, or with a broker
    that everybody returns to at once, it is the round trips that take time. What the broker refuses
    ends the channel, so that asking fails.
    """
    broker = await channel.get_underlay_channel()
    await broker.exchange_declare(
        topology.exchange, exchange_type=ExchangeType.TOPIC.value, durable=True, nowait=True
    )
    for attempt, delay in enumerate(topology.retry_delays):
        await _declare_delay(broker, topology.retry(attempt) or "", delay)
    for queue in topology.queues:
        await _declare_queue(broker, topology, queue)
    return {
        queue.name: await broker.queue_declare(queue.name, passive=True)
        for queue in topology.queues
    }


async def _declare_queue(broker: AbstractBroker, topology: Topology, queue: Queue) -> None:
    """A queue with its bindings, and the queue of its parked messages.

    What crashes its consumer again and again is parked by the broker itself.
    """
    await broker.queue_declare(
        queue.parked,
        durable=True,
        arguments={"x-queue-type": "quorum", "x-delivery-limit": _KEEP},
        nowait=True,
    )
    parking: FieldTable = {"x-delivery-limit": _CRASHES, "x-dead-letter-routing-key": queue.parked}
    await broker.queue_declare(
        queue.name, durable=True, arguments=_LOSE_NOTHING | parking, nowait=True
    )
    for name in queue.bindings:
        await broker.queue_bind(queue.name, topology.exchange, routing_key=name, nowait=True)


async def _declare_delay(broker: AbstractBroker, name: str, seconds: float) -> None:
    """A delay shared by all consumers.

    Messages keep their routing key, which is the queue they failed in; when their time is over
    the default exchange takes them back there. One fixed delay a queue, because expired messages
    leave only from its head.
    """
    await broker.exchange_declare(
        name, exchange_type=ExchangeType.FANOUT.value, durable=True, nowait=True
    )
    lasting: FieldTable = {"x-message-ttl": round(seconds * 1000)}
    await broker.queue_declare(name, durable=True, arguments=_LOSE_NOTHING | lasting, nowait=True)
    await broker.queue_bind(name, name, nowait=True)
