"""Rendition objects: noted before they are stored, shared by reference, and collected at last.

Whatever an attempt stores is noted first, so a crash leaves nothing unknown. An object is referred
to by the renditions of assets, as many as came with the same bytes. What nothing has referred to
for a while is marked, removed and forgotten, in this order: a marked object can never be referred
to again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import (
    ARRAY,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    insert,
    null,
    or_,
    select,
    true,
    update,
)

from services.converter.leases import Job
from services.converter.tables import rendition_objects, renditions
from shared.blobs.port import Blobs, StorageUnavailable
from shared.contracts.context import Context
from shared.db import DATABASE_AWAY, Database, Statement, Tx

log = structlog.get_logger()

GRACE = timedelta(days=1)
"""How long an object is kept that nothing refers to."""

EVERY = 600.0

_objects = rendition_objects.c
_referred = select(true()).where(renditions.c.object_key == _objects.object_key).exists()

_note = Statement(
    insert(rendition_objects).values(
        object_key=bindparam("key"),
        asset_id=bindparam("asset_id"),
        token=bindparam("token"),
        unreferenced_since=bindparam("now"),
    )
)


async def note(tx: Tx, job: Job, key: str) -> None:
    """An attempt is about to store something under this key."""
    await tx.execute(_note, key=key, asset_id=job.asset_id, token=job.token, now=await tx.now())


_refer = Statement(
    update(rendition_objects)
    .where(
        _objects.object_key == any_(bindparam("keys", type_=ARRAY(Text))),
        _objects.abandoned.is_(False),
    )
    .values(unreferenced_since=null())
    .returning(_objects.object_key)
)


async def refer(tx: Tx, keys: Iterable[str]) -> None:
    """Renditions are about to refer to these. Raises StorageUnavailable if one was collected."""
    asked = set(keys)
    rows = await tx.fetch(_refer, keys=sorted(asked))
    if gone := asked - {row["object_key"] for row in rows}:
        raise StorageUnavailable(f"{', '.join(gone)} was collected")


_token = cast(bindparam("token"), Uuid)
_abandon_of = Statement(
    update(rendition_objects)
    .where(
        _objects.asset_id == bindparam("asset_id"),
        or_(_token.is_(None), _objects.token == _token),
        _objects.abandoned.is_(False),
        ~_referred,
    )
    .values(abandoned=True)
    .returning(_objects.object_key)
)
_tenants = Statement(select(_objects.tenant_id).distinct())
_begin_grace = Statement(
    update(rendition_objects)
    .where(_objects.unreferenced_since.is_(None), ~_referred)
    .values(unreferenced_since=bindparam("now"))
)
_abandon = Statement(
    update(rendition_objects)
    .where(_objects.unreferenced_since <= bindparam("latest"), ~_referred)
    .values(abandoned=True)
    .returning(_objects.object_key)
)
_forget = Statement(
    delete(rendition_objects).where(
        _objects.object_key == bindparam("key"), _objects.abandoned.is_(True)
    )
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Keeps the store free of what nothing refers to."""

    database: Database
    blobs: Blobs

    async def tidy(self, job: Job, *, token: UUID | None = None) -> None:
        """Remove what one attempt stored for nothing, or all that ended; later, if not now."""
        try:
            async with self.database.transaction(job.context) as tx:
                rows = await tx.fetch(_abandon_of, asset_id=job.asset_id, token=token)
            for row in rows:
                await self.blobs.delete(row["object_key"])
        except (StorageUnavailable, *DATABASE_AWAY) as error:
            log.warning("stale_renditions_kept", error=repr(error))

    async def run(self) -> None:
        """Sweep regularly, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            async with self.database.system_transaction() as tx:
                latest = await tx.now() - GRACE
            await self.sweep(latest)

    async def sweep(self, latest: datetime) -> int:
        """Remove what nothing has referred to since ``latest``; return how many."""
        async with self.database.system_transaction() as tx:
            tenants = [row["tenant_id"] for row in await tx.fetch(_tenants)]
        return sum([await self._sweep(Context(tenant), latest) for tenant in tenants])

    async def _sweep(self, context: Context, latest: datetime) -> int:
        async with self.database.transaction(context) as tx:
            await tx.execute(_begin_grace, now=await tx.now())
            rows = await tx.fetch(_abandon, latest=latest)
        for row in rows:
            await self.blobs.delete(row["object_key"])
            async with self.database.transaction(context) as tx:
                await tx.execute(_forget, key=row["object_key"])
        return len(rows)
