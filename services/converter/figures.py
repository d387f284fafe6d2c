"""How much converting goes on."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import bindparam, func, or_, select

from services.converter.tables import queue_jobs
from shared.bus.port import Bus, BusUnavailable
from shared.contracts.topology import CONVERTER_TICKETS
from shared.db import Database, Statement
from shared.operating.views import WorkView
from shared.web import Call, Routes

_VERSION = re.compile(r"ffmpeg version (\S+)")

_jobs = queue_jobs.c
_count = Statement(
    select(
        func.count()
        .filter(_jobs.status == "processing", _jobs.lease_expires_at > bindparam("now"))
        .label("running"),
        func.count().filter(_jobs.status == "pending").label("waiting"),
    ).where(or_(_jobs.status == "pending", _jobs.status == "processing"))
)

routes = Routes("Work")


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts jobs of all tenants; ``slots`` are conversions at a time in this process."""

    database: Database
    bus: Bus
    slots: int
    ffmpeg: Path
    _told: dict[Path, str | None] = field(default_factory=dict, init=False)

    async def view(self) -> WorkView:
        """As it is now; nobody knows of workers while the bus is away."""
        async with self.database.system_transaction() as tx:
            row = await tx.fetchrow(_count, now=await tx.now())
        assert row is not None  # an aggregate
        try:
            workers = (await self.bus.depth(CONVERTER_TICKETS.name)).consumers
        except BusUnavailable:
            workers = None
        return WorkView(
            running=row["running"],
            waiting=row["waiting"],
            workers=workers,
            slots=self.slots,
            ffmpeg=await self._version(),
        )

    async def _version(self) -> str | None:
        """What the program calls itself; asked once."""
        if self.ffmpeg not in self._told:
            self._told[self.ffmpeg] = await _asked(self.ffmpeg)
        return self._told[self.ffmpeg]


async def _asked(ffmpeg: Path) -> str | None:
    process = await asyncio.create_subprocess_exec(
        ffmpeg, "-version", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env={}
    )
    said, _ = await process.communicate()
    named = _VERSION.match(said.decode(errors="replace"))
    return named[1] if named else None


@routes.get("/internal/work", access="internal")
async def show_work(call: Call[Figures]) -> WorkView:
    """How many conversions run and wait."""
    return await call.parts.view()
