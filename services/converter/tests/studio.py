"""Everything of the service but its wiring, on a fresh database and a directory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.converter import assets, jobs, leases
from services.converter.assets import NewAsset
from services.converter.attempt import Workshop
from services.converter.domain.recipes import Command
from services.converter.ffmpeg import Ffmpeg
from services.converter.leases import Job
from services.converter.probing.prober import CHILD, Prober
from services.converter.scratch import Scratch
from services.converter.shelf import Shelf
from services.converter.tests.conftest import BINARY
from services.converter.worker import Worker
from shared.blobs.local import LocalBlobs
from shared.bus.outbox import Outbox
from shared.bus.port import Ack, BusUnavailable, Delivery, Depth
from shared.contracts.actor import Actor
from shared.contracts.context import Context
from shared.contracts.converter import AssetProgressed, TicketIssued
from shared.contracts.envelope import Message, seal, unseal
from shared.contracts.event import Event
from shared.db import Database
from shared.runtime.ids import new_id
from shared.runtime.sandbox import Sandbox
from shared.testing.databases import Databases

ADMIN = Actor.user(UUID("0198c0de-0000-7000-8000-00000000000a"))
HERE = Context("default", ADMIN, "the story")


class Airwaves:
    """A bus that remembers broadcasts and claims any depth."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.ready = 0
        self.away = False

    async def broadcast(self, message: Message) -> None:
        self.heard.append(message)

    async def depth(self, queue: str) -> Depth:
        if self.away:
            raise BusUnavailable("gone")
        return Depth(self.ready, 0)

    async def missing(self) -> list[str]:
        return []

    @property
    def percents(self) -> list[int]:
        """The progress that was told."""
        events = [unseal(message).event for message in self.heard]
        return [event.percent for event in events if isinstance(event, AssetProgressed)]


@dataclass(frozen=True, slots=True)
class ScriptedFfmpeg(Ffmpeg):
    """The real one, counted, and with something done before each command."""

    commands: list[Command] = field(default_factory=list)
    script: list[Callable[[Command], Awaitable[None]]] = field(default_factory=list)

    async def run(self, command: Command, directory: Path, **options: Any) -> str:
        """Follow the script, which may raise, then run the command."""
        self.commands.append(command)
        for before in self.script:
            await before(command)
        return await super(ScriptedFfmpeg, self).run(command, directory, **options)


class Studio:
    """A worker with its tools, and what tests ask and do around it."""

    def __init__(self, databases: Databases, home: Path) -> None:
        self.databases = databases
        self.database: Database = databases["converter"]
        self.blobs = LocalBlobs(home / "blobs")
        self.scratch = Scratch(home / "work")
        self.sandbox = Sandbox(CHILD.name)
        self.ffmpeg = ScriptedFfmpeg(BINARY, self.sandbox)
        self.bus = Airwaves()
        prober = Prober(self.sandbox, budget=10)
        self.shelf = Shelf(self.database, self.blobs)
        self.workshop = Workshop(
            blobs=self.blobs,
            scratch=self.scratch,
            sandbox=self.sandbox,
            prober=prober,
            ffmpeg=self.ffmpeg,
            shelf=self.shelf,
            webm_codec="av1",
        )
        self.worker = self.another_worker()

    def another_worker(self, **changes: Any) -> Worker:
        """A worker of another process, as far as the database can tell."""
        worker = Worker(
            name=new_id().hex,
            database=self.database,
            bus=self.bus,  # type: ignore[arg-type]  # only what a worker and a sweeper use
            workshop=self.workshop,
            chance=lambda: 0.5,
        )
        return replace(worker, **changes)

    async def upload(
        self, film: Path, *, context: Context = HERE, source: str | None = None
    ) -> UUID:
        """A pending asset with its job and its original; unlike others unless ``source`` is."""
        ident = new_id()
        source = source or ident.hex
        key = f"{context.tenant}/originals/{ident}"
        await self.blobs.put(key, film, content_type="video/mp4")
        asset = NewAsset(ident, "Film", "film.mp4", film.stat().st_size, source, None)
        async with self.database.transaction(context) as tx:
            await assets.add(tx, asset)
            await jobs.add(tx, ident, key, source)
        return ident

    async def claim(self) -> Job | None:
        """Take a job, as a worker would, and do nothing with it."""
        async with self.database.system_transaction() as tx:
            return await leases.claim(tx, "somebody")

    async def work(self) -> None:
        """Give the worker a ticket."""
        assert await self.worker.handle([ticket()]) == [Ack()]

    async def asset(self, ident: UUID) -> Record:
        """The row."""
        [row] = await self.databases.as_admin(
            "select * from converter.admin_media_assets where id = $1", ident
        )
        return row

    async def shown(self, ident: UUID, *renditions: str) -> None:
        """Wait until these are published, which is done while the next is made."""
        async with asyncio.timeout(10):
            while not all([(await self.asset(ident))[f"{name}_url"] for name in renditions]):
                await asyncio.sleep(0.01)

    async def job(self, ident: UUID) -> Record:
        """The newest job of an asset."""
        rows = await self.databases.as_admin(
            "select * from converter.queue_jobs where asset_id = $1 order by id desc limit 1", ident
        )
        return rows[0]

    async def history(self, ident: UUID) -> list[tuple[str | None, str]]:
        """Status changes, in order."""
        rows = await self.databases.as_admin(
            "select previous_status, status from converter.conversion_status_history"
            " where asset_id = $1 order by seq",
            ident,
        )
        return [(row["previous_status"], row["status"]) for row in rows]

    async def told(self, kind: type[Event]) -> list[Any]:
        """What lies in the outbox."""
        messages = await Outbox("converter", self.database).batch(10_000)
        return [unseal(message).event for message in messages if message.name == kind.name]

    async def keys(self) -> set[str]:
        """Every blob."""
        return {blob.key async for blob in self.blobs.list("")}

    def pass_time(self, seconds: float) -> None:
        """Move everybody's clock."""
        self.databases.clock.offset += timedelta(seconds=seconds)

    async def close(self) -> None:
        """Leave nothing."""
        await self.sandbox.close()
        with suppress(OSError):
            await self.scratch.close()


def ticket() -> Delivery:
    """A ticket as the bus hands it out."""
    event = TicketIssued(ticket_id=new_id())
    return Delivery(seal(event, ident=new_id(), time=datetime.now(UTC), context=HERE), 0)
