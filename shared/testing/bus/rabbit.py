"""The kit for RabbitMQ, and hands to break things with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from aio_pika.abc import AbstractChannel

from shared.bus.rabbit import RabbitBus, Timing
from shared.bus.rabbit.topology import Topology
from shared.testing.brokers import connected
from shared.testing.bus.kit import BusKit, Names
from shared.testing.databases import Databases

WATCHFUL = Timing(watch=1.0, reconnect=(0.1, 0.3))
"""Sees soon what is amiss, and is as patient as the product with a slow broker."""

QUICK = Timing(reply=2.0, watch=1.0, tend=3.0, reconnect=(0.1, 0.3))
"""Gives a broker up soon, where one is frozen."""


class RabbitKit(BusKit):
    """Buses on one broker, each with connections of its own, like processes."""

    def __init__(self, databases: Databases, url: str, timing: Timing = WATCHFUL) -> None:
        super().__init__(databases, Names(f"t{uuid4().hex[:8]}"), (0.2, 0.4))
        self.url = url
        self.timing = timing

    def build(self) -> RabbitBus:
        topology = Topology(self.names.queues, self.names.exchange, self.delays)
        return RabbitBus(self.url, topology=topology, timing=self.timing)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[AbstractChannel]:
        """A channel of somebody else."""
        async with connected(self.url) as connection, connection.channel() as channel:
            yield channel
