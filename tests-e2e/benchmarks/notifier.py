"""What the benchmarks of sockets share: a notifier in a process of its own, asked at its port."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.house import House
from benchmarks.stage import KEYS
from shared.contracts.actor import Actor
from shared.runtime.ids import new_id
from shared.runtime.keys import Keys
from shared.web.actor import HEADER, ActorSeal, Claims

SOCKETS = 1_000


@dataclass(frozen=True)
class Notified:
    """A house, its notifier, and the header by which a proxy vouches for an administrator."""

    house: House
    url: str
    pid: int
    headers: dict[str, str]


@asynccontextmanager
async def notified(bench: Bench) -> AsyncIterator[Notified]:
    """All other services in one process, the notifier in another, as ``/ws`` is routed."""
    async with bench.stage.product("notifier") as product:
        process = product.processes["notifier"]
        keys = Keys(KEYS["MARQUEE_SECRET_KEY"].encode(), b"")
        seal = ActorSeal(keys.derive("internal-actor"), time.time)
        claims = Claims("default", Actor.user(new_id()), "admin", time.time() + 3600)
        directory = bench.directory / "notified"
        directory.mkdir(exist_ok=True)
        house = House(product, directory)
        yield Notified(house, process.url, process.pid, {HEADER: seal.sign(claims)})
