"""Removes what resumable uploads leave: parts of the ended, and uploads nobody goes on with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import bindparam, delete, select, update

from services.converter.resumable import rows
from services.converter.tables import uploads
from shared.blobs.port import Blobs
from shared.contracts.context import Context
from shared.db import Database, Statement

log = structlog.get_logger()

EVERY = 600.0
MOST_AT_ONCE = 500

_columns = uploads.c

_expire = Statement(
    update(uploads)
    .where(_columns.ended.is_(None), _columns.expires_at <= bindparam("now"))
    .values(ended="expired", ended_at=bindparam("now"))
)
_left = Statement(
    select(_columns.id, _columns.tenant_id)
    .where(_columns.ended.is_not(None), _columns.cleaned.is_(False))
    .limit(bindparam("most"))
)
_old = Statement(
    select(_columns.id, _columns.tenant_id)
    .where(_columns.ended_at <= bindparam("latest"))
    .limit(bindparam("most"))
)
_forget = Statement(delete(uploads).where(_columns.id == bindparam("upload_id")))


def prefix(tenant: str, ident: UUID) -> str:
    """What the keys of all parts of an upload begin with."""
    return f"{tenant}/uploads/{ident}-"


@dataclass(frozen=True, slots=True)
class PartsBroom:
    """Sweeps for all tenants; any number of replicas may do so at a time."""

    database: Database
    blobs: Blobs

    async def run(self) -> None:
        """Sweep regularly, until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(EVERY)

    async def sweep(self) -> int:
        """End what has expired, remove what ended uploads hold, forget the old; count the expired.

        What is forgotten is looked through once more: a part that was being stored while its
        upload ended may have come after the first look.
        """
        async with self.database.system_transaction() as tx:
            now = await tx.now()
            expired = await tx.execute(_expire, now=now)
        async with self.database.system_transaction() as tx:
            left = await tx.fetch(_left, most=MOST_AT_ONCE)
            old = await tx.fetch(_old, latest=now - rows.PATIENCE, most=MOST_AT_ONCE)
        for row in left:
            await self._clean(row["tenant_id"], row["id"])
        for row in old:
            await self._clean(row["tenant_id"], row["id"])
            async with self.database.transaction(Context(row["tenant_id"])) as tx:
                await tx.execute(_forget, upload_id=row["id"])
        if expired or old:
            log.info("resumable_uploads_swept", expired=expired, forgotten=len(old))
        return expired

    async def clean(self, tenant: str, ident: UUID) -> None:
        """Remove what an ended upload holds, now if possible; else a sweep will do it."""
        try:
            await self._clean(tenant, ident)
        except Exception as error:
            log.warning("upload_not_cleaned_up", upload=str(ident), error=repr(error))

    async def _clean(self, tenant: str, ident: UUID) -> None:
        keys = [blob.key async for blob in self.blobs.list(prefix(tenant, ident))]
        for key in keys:
            await self.blobs.delete(key)
        async with self.database.transaction(Context(tenant)) as tx:
            await rows.cleaned(tx, ident)
