"""Issues the tickets that are missing: for retries whose time has come, and for dead workers' jobs.

Depth then equals waiting work, which is what autoscaling looks at. One process at a time does it;
a ticket too many finds nothing to claim and is forgotten.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from services.converter import leases
from shared.bus.port import Bus, BusUnavailable
from shared.contracts.converter import TicketIssued
from shared.contracts.topology import CONVERTER_TICKETS
from shared.db import Database, Statement

EVERY = 2.0
MOST_AT_ONCE = 500

_LOCK = 0x6D61727175657501
_lead = Statement(select(func.pg_try_advisory_xact_lock(bindparam("lock"))))


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Compares due jobs with tickets, every ``EVERY`` seconds."""

    database: Database
    bus: Bus

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(EVERY)

    async def sweep(self) -> int:
        """Issue what is missing, if nobody else is at it; return how many tickets that were."""
        try:
            depth = await self.bus.depth(CONVERTER_TICKETS.name)
        except BusUnavailable:
            return 0  # tickets could not be relayed either
        async with self.database.system_transaction() as tx:
            if not await tx.fetchval(_lead, lock=_LOCK):
                return 0
            missing = min(await leases.tickets_missing(tx, depth.ready), MOST_AT_ONCE)
            for _ in range(missing):
                tx.emit(TicketIssued(ticket_id=tx.new_id()))
        return missing
