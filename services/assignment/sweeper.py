"""Gives the attempts of processes that died an outcome."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.assignment import commands, store
from shared.contracts.context import Context
from shared.db import Database

POLL = 10.0
"""Seconds between two looks."""

PATIENCE = timedelta(seconds=60)
"""How long an attempt may take; one that is under way at that moment may take longer."""


class Sweeper:
    """Settles bulk assignments that were begun and never ended. Any number may run at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Look regularly."""
        while True:
            await self.sweep()
            await asyncio.sleep(POLL)

    async def sweep(self) -> None:
        """Settle everything that has been left behind until now."""
        async with self._database.system_transaction() as tx:
            left = await store.left_behind(tx, await tx.now() - PATIENCE)
        for each in left:
            context = Context(each.tenant, each.actor)
            async with self._database.transaction(context) as tx:
                await commands.settle_left_behind(tx, each.operation_id)
