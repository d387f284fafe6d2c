"""Forgets events that are neither recent nor few."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.notifier import store
from shared.db import Database

KEPT_FOR = timedelta(minutes=10)
KEPT_COUNT = 10_000
"""Events of a tenant stay for at least so long, and the newest at least so many."""

EVERY_SECONDS = 30.0


async def prune(database: Database) -> None:
    """Forget what may be forgotten, in all tenants."""
    async with database.system_transaction() as tx:
        await store.prune(tx, KEPT_COUNT, await tx.now() - KEPT_FOR)


async def keep_pruning(database: Database) -> None:
    """Prune until cancelled; replicas may do so at once."""
    while True:
        await prune(database)
        await asyncio.sleep(EVERY_SECONDS)
