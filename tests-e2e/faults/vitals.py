"""Asks every service all the time whether it lives and whether it is ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import aiohttp

from faults.supervisor import Member

EVERY = 0.5
PATIENCE = 8.0
"""More than the 2 s that a service gives each of its own checks, also on a busy machine."""


@dataclass(slots=True)
class Look:
    """What a service said, or None if it could not be reached; ``seconds`` until it did."""

    at: float
    name: str
    alive: int | None
    ready: int | None
    told: str
    seconds: float


@dataclass
class Vitals:
    """All looks, of all services."""

    session: aiohttp.ClientSession
    members: list[Member]
    looks: list[Look] = field(default_factory=list)

    async def watch(self) -> None:
        """Look until cancelled."""
        await asyncio.gather(*(self._watch(member) for member in self.members))

    def between(self, start: float, stop: float, name: str | None = None) -> Iterator[Look]:
        """Looks at a service, or at all, in a stretch of time."""
        return (x for x in self.looks if start <= x.at <= stop and name in (None, x.name))

    async def _watch(self, member: Member) -> None:
        while True:
            await self._look(member)
            await asyncio.sleep(EVERY)

    async def _look(self, member: Member) -> None:
        """Look at one that is up; one that dies meanwhile has said nothing."""
        life = member.life
        at = time.time()
        alive, _ = await self._ask(f"{member.url}/livez")
        seconds = time.time() - at
        ready, told = await self._ask(f"{member.url}/readyz")
        if alive is None:
            await asyncio.sleep(EVERY)  # word of its death takes a moment
        if life is not None and life == member.life:
            self.looks.append(Look(at, member.name, alive, ready, told, seconds))

    async def _ask(self, url: str) -> tuple[int | None, str]:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        try:
            async with self.session.get(url, timeout=timeout) as answer:
                body = await answer.json()
                return answer.status, str(body.get("status", ""))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None, ""
