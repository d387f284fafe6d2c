"""Which parts of a chain were lost when a backup was restored, as somebody vouched."""

from __future__ import annotations

from uuid import UUID

from asyncpg import Record
from sqlalchemy import Text, bindparam, insert, select

from services.audit.domain.restoration import LostCheckpoint, Restoration
from services.audit.retention_tables import restorations
from shared.db import Statement, Tx

_tenant = bindparam("tenant", type_=Text)
_mine = restorations.c.tenant_id == _tenant
_every = Statement(select(restorations).where(_mine).order_by(restorations.c.id))
_one = Statement(select(restorations).where(_mine, restorations.c.id == bindparam("id")))
_append = Statement(insert(restorations))


async def rows(tx: Tx) -> list[Record]:
    """All restorations as they are stored, the oldest first."""
    return await tx.fetch(_every, tenant=tx.context.tenant)


async def every(tx: Tx) -> list[Restoration]:
    """All restorations, the oldest first."""
    return [_restoration(row) for row in await rows(tx)]


async def one(tx: Tx, ident: UUID) -> Record:
    """A restoration as it is stored, which there must be."""
    row = await tx.fetchrow(_one, tenant=tx.context.tenant, id=ident)
    assert row is not None
    return row


async def append(tx: Tx, restoration: Restoration, *, reason: str, entry_seq: int) -> None:
    """Note a restoration that the trail tells of."""
    await tx.execute(
        _append,
        id=restoration.id,
        tenant_id=restoration.tenant,
        after_seq=restoration.after,
        lost=[list(each) for each in restoration.lost],
        forgotten=list(restoration.forgotten),
        stated=restoration.statement,
        entry_seq=entry_seq,
        reason=reason,
        acknowledged_by=tx.context.actor.principal,
        acknowledged_at=await tx.now(),
    )


def _restoration(row: Record) -> Restoration:
    lost = [LostCheckpoint(*each) for each in row["lost"]]
    return Restoration(
        row["id"], row["tenant_id"], row["after_seq"], lost, row["forgotten"], row["stated"]
    )
