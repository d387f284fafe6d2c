"""Tells how far a conversion is: a few times a second to whoever listens, and never backwards."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Literal

from services.converter.domain.progress import Progress
from services.converter.leases import Job
from shared.bus.port import Bus
from shared.contracts.converter import AssetProgressed, Rendition
from shared.contracts.envelope import seal
from shared.db import Database

EVERY = 0.3
"""Seconds between two reports."""


class Reporter:
    """The progress of one attempt."""

    def __init__(self, bus: Bus, database: Database, job: Job) -> None:
        self._bus = bus
        self._database = database
        self._job = job
        self._stage: Rendition | Literal["starting"] = "starting"
        self._told: tuple[int, str] | None = None
        self.percent = 0

    def note(self, progress: Progress) -> None:
        """Remember how far it is; told when the time comes."""
        self._stage = progress.stage or self._stage
        self.percent = max(self.percent, progress.percent)

    def finish(self) -> None:
        """All of it is there, however little there was to do."""
        self.percent = 100

    async def run(self) -> None:
        """Tell news until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await self.tell()

    async def tell(self) -> None:
        """Tell now, if there is anything new."""
        news = (self.percent, self._stage)
        if news != self._told:
            self._told = news
            event = AssetProgressed(
                asset_id=self._job.asset_id, percent=self.percent, stage=self._stage
            )
            await self._bus.broadcast(
                seal(
                    event,
                    ident=self._database.new_id(),
                    time=self._database.clock.at(datetime.now(UTC)),
                    context=self._job.context,
                )
            )
