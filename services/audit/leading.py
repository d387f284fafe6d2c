"""Leadership: of all processes that could look after the archives, one does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.db import DATABASE_ERRORS, Database
from shared.db.database import ACQUIRE_SECONDS


@asynccontextmanager
async def leading(database: Database, lock: int) -> AsyncIterator[bool]:
    """Whether we lead, until the end of the block.

    A session's advisory lock, held outside any transaction. It dies with the session: two leaders
    for the moment until the loss is noticed must do no harm.
    """
    async with database.pool.acquire(timeout=ACQUIRE_SECONDS) as session:
        leads: bool = await session.fetchval("select pg_try_advisory_lock($1)", lock)
        try:
            yield leads
        finally:
            if leads and not session.is_closed():
                try:
                    await session.execute("select pg_advisory_unlock($1)", lock, timeout=5)
                except DATABASE_ERRORS:
                    session.terminate()
