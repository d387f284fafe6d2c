"""Originals on their way in: noted before they are stored, so that a crash leaves none behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import bindparam, delete, func, insert, select, update

from services.converter.tables import incoming
from shared.blobs.port import Blobs
from shared.db import Database, Statement, Tx

log = structlog.get_logger()

GIVEN_UP = timedelta(hours=1)
"""Storing an original never takes this long; a note that is older was left by a crash."""

EVERY = 600.0

MOST_AT_ONCE = 1000


class Overtaken(Exception):
    """The original was taken for abandoned, and removed, before its asset was committed."""


_note = Statement(insert(incoming).values(object_key=bindparam("key"), noted_at=bindparam("now")))
_ours = incoming.c.object_key == bindparam("key")
_arrive = Statement(
    delete(incoming).where(_ours, incoming.c.abandoned.is_(False)).returning(func.clock_timestamp())
)
_abandon = Statement(
    update(incoming)
    .where(
        incoming.c.object_key.in_(
            select(incoming.c.object_key)
            .where(incoming.c.noted_at <= bindparam("latest"))
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
    )
    .values(abandoned=True)
    .returning(incoming.c.object_key)
)
_abandon_one = Statement(update(incoming).where(_ours).values(abandoned=True))
_forget = Statement(delete(incoming).where(_ours))


async def note(tx: Tx, key: str) -> None:
    """Something is about to be stored under this key."""
    await tx.execute(_note, key=key, now=await tx.now())


async def arrive(tx: Tx, key: str) -> None:
    """It belongs to an asset from now on. Raises Overtaken."""
    now = await tx.fetchval(_arrive, key=key)
    if now is None:
        raise Overtaken(key)
    tx.saw(now)


@dataclass(frozen=True, slots=True)
class Broom:
    """Removes the originals of uploads that ended half-way."""

    database: Database
    blobs: Blobs

    async def run(self) -> None:
        """Sweep regularly, until cancelled."""
        while True:
            async with self.database.system_transaction() as tx:
                latest = await tx.now() - GIVEN_UP
            await self.sweep(latest)
            await asyncio.sleep(EVERY)

    async def sweep(self, latest: datetime) -> int:
        """Remove what was noted at ``latest`` or before; return how many.

        Marked first, so that no upload can still arrive; forgotten last, so that a crash in
        between leaves the mark.
        """
        async with self.database.system_transaction() as tx:
            rows = await tx.fetch(_abandon, latest=latest, most=MOST_AT_ONCE)
        for row in rows:
            await self._remove(row["object_key"])
        if rows:
            log.info("abandoned_uploads_removed", count=len(rows))
        return len(rows)

    async def remove_unless_arrived(self, key: str) -> None:
        """Remove one original whose upload has failed, however far it came."""
        async with self.database.system_transaction() as tx:
            abandoned = await tx.execute(_abandon_one, key=key)
        if abandoned:
            await self._remove(key)

    async def _remove(self, key: str) -> None:
        await self.blobs.delete(key)
        async with self.database.system_transaction() as tx:
            await tx.execute(_forget, key=key)
