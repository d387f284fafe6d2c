"""Leadership: of all processes that could relay an outbox, one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from shared.bus.outbox import Outbox
from shared.db import DATABASE_ERRORS
from shared.db.database import ACQUIRE_SECONDS

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.pool import PoolConnectionProxy

_LOCK_SPACE = 0x6D617271
"""Two-key advisory locks do not meet the one-key locks of commands."""


class Leadership:
    """A session's advisory lock, held on a connection of its own and outside any transaction.

    It dies with the session. Two leaders for the moment that a lost session takes to be noticed
    do no harm: they repeat messages, which consumers recognise.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._session: PoolConnectionProxy[Record] | None = None

    async def held(self) -> bool:
        """Whether we lead; try to, if we do not."""
        if _alive(self._session):
            return True
        await self.resign()
        pool = self._outbox.database.pool
        session = await pool.acquire(timeout=ACQUIRE_SECONDS)
        try:
            leads: bool = await session.fetchval(
                "select pg_try_advisory_lock($1, hashtext($2))", _LOCK_SPACE, self._outbox.schema
            )
        except BaseException:
            await pool.release(session)
            raise
        if leads:
            self._session = session
        else:
            await pool.release(session)
        return leads

    async def resign(self) -> None:
        """Let another process lead."""
        session, self._session = self._session, None
        if session is None or not _alive(session):
            return
        try:
            await session.execute("select pg_advisory_unlock_all()", timeout=5)
        except DATABASE_ERRORS:
            if _alive(session):
                session.terminate()
        await self._outbox.database.pool.release(session)


def _alive(session: PoolConnectionProxy[Record] | None) -> bool:
    """Whether a session still holds what it locked; the pool takes back one that has ended."""
    try:
        return session is not None and not session.is_closed()
    except asyncpg.InterfaceError:
        return False
