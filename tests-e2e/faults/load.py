"""The workload: everything that people do, all at once, while things break."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from faults.desks import Desk
from faults.history import Call, Caller, History
from faults.site import Site
from faults.uploads import Uploader, small_film
from faults.vitals import Vitals
from faults.watcher import Watcher
from harness.client import Client
from shared.bus.ending import end

DESKS = 3
PEOPLE = 4
FILMS = 2


@dataclass
class Load:
    """The people at work, and what they were told."""

    site: Site
    history: History
    client: Client
    desks: list[Desk]
    uploader: Uploader
    watcher: Watcher
    vitals: Vitals
    frozen: set[str] = field(default_factory=set)
    """Services that a fault has stopped: who is frozen says nothing."""

    def caller(self, name: str, random: Random) -> Caller:
        """Somebody else, whose calls are checked as everybody's are."""
        return Caller(name, self.client, self.history, random)

    async def hire(self, number: int, random: Random) -> list[str]:
        """People to give something to, ten at a time; return their ids."""
        caller, turns = self.caller("hiring", random), asyncio.Semaphore(10)

        async def one() -> str:
            async with turns:
                email = f"{random.getrandbits(64):x}@example.com"
                body = {"email": email, "name": "hired"}
                call = await caller.call("create", "/api/admin/users", body, about={"email": email})
                return str(call.answer["id"])

        return list(await asyncio.gather(*(one() for _ in range(number))))

    async def busy(self, calls: int = 20, *, within: float = 120) -> None:
        """Wait until so many more calls have succeeded."""
        enough = self.succeeded() + calls
        async with asyncio.timeout(within):
            while self.succeeded() < enough:
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def undisturbed(self) -> AsyncIterator[None]:
        """No desk does anything for the length of the block."""
        async with AsyncExitStack() as stack:
            for desk in self.desks:
                await stack.enter_async_context(desk.turn)
            yield

    def succeeded(self) -> int:
        """How many calls have, so far."""
        return sum(1 for call in self.history.calls if call.outcome == "ok")

    async def well_again(self, since: float, *, within: float = 90) -> float:
        """Seconds until what was asked for after ``since`` was done and seen on the WebSocket."""
        async with asyncio.timeout(within):
            while True:
                for call in self.history.of("assign", "bulk"):
                    told = self._told(call) if call.invoked >= since else None
                    if told is not None:
                        return told - since
                await asyncio.sleep(0.05)

    async def ended(self, asset: str, *, within: float) -> None:
        """Wait until the conversion of an asset has ended, one way or the other."""
        async with asyncio.timeout(within):
            while asset in self.uploader.open:
                await asyncio.sleep(0.1)
                await self.uploader.look()

    async def finish(self, *, within: float = 180) -> None:
        """Let everybody end what they are at, with an answer. Raises TimeoutError."""
        for worker in (*self.desks, self.uploader):
            worker.closing.set()
        async with asyncio.timeout(within):
            await asyncio.gather(*self._working)
            while self.uploader.open:
                await asyncio.sleep(0.2)
                await self.uploader.look()

    def _told(self, call: Call) -> float | None:
        if call.answer.get("unchanged"):
            return None  # its operation is an earlier one
        return self.watcher.when(call.answer["operation_id"])

    async def begin(self) -> None:
        """Send everybody to work."""
        self._working = [
            asyncio.create_task(desk.work(), name=desk.caller.name) for desk in self.desks
        ]
        self._working.append(asyncio.create_task(self.uploader.work(), name="uploader"))

    async def drop(self) -> None:
        """Send everybody away at once."""
        await end(self._working)


@dataclass
class Crew:
    """Who is there from the beginning of a site to its end: history, films, ears and eyes."""

    site: Site
    history: History
    client: Client
    watcher: Watcher
    vitals: Vitals
    film: bytes
    films: list[str]

    @asynccontextmanager
    async def working(self, name: str, random: Random) -> AsyncIterator[Load]:
        """A load, for as long as the block lasts; ``name`` tells its calls from others'."""

        def caller(kind: str) -> Caller:
            return Caller(f"{name}-{kind}", self.client, self.history, random)

        desks = [Desk(caller(f"desk{n}"), self.films, random) for n in range(DESKS)]
        await asyncio.gather(*(desk.open(PEOPLE) for desk in desks))
        uploader = Uploader(caller("uploader"), self.film, random)
        load = Load(
            self.site, self.history, self.client, desks, uploader, self.watcher, self.vitals
        )
        await load.begin()
        try:
            yield load
        finally:
            await load.drop()


@asynccontextmanager
async def crewed(site: Site, random: Random) -> AsyncIterator[Crew]:
    """Sign in, convert the films that desks give away, and begin to listen and look."""
    history = History(site.directory / "history.jsonl")
    client = await site.administrator()
    film = await asyncio.to_thread(small_film, site.directory)
    uploader = Uploader(Caller("first", client, history, random), film, random)
    watcher = Watcher(client)
    vitals = Vitals(site.http, list(site.members.values()))
    tasks = [asyncio.create_task(each.watch()) for each in (watcher, vitals)]
    try:
        async with asyncio.timeout(120):
            while not watcher.connections:
                await asyncio.sleep(0.05)
            films = [(await uploader.upload()).answer["id"] for _ in range(FILMS)]
            for ident in films:
                await client.completed(ident)
        yield Crew(site, history, client, watcher, vitals, film, films)
    finally:
        await end(tasks)
        history.close()


def now() -> float:
    """As the history tells time."""
    return time.time()
