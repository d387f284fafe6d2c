"""Read models: plain SELECTs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import Record
from sqlalchemy import Boolean, DateTime, Text, Uuid, bindparam, cast, or_, select, tuple_

from services.converter.tables import admin_media_assets
from shared.contracts.converter import AssetNotFound
from shared.db import Statement, Tx
from shared.db.patterns import containing

_assets = admin_media_assets.c


_by_id = Statement(
    select(admin_media_assets)
    .where(_assets.id == bindparam("asset_id"))
    .where(or_(_assets.deleted_at.is_(None), cast(bindparam("deleted"), Boolean)))
)


async def asset(tx: Tx, asset_id: UUID, *, deleted: bool = False) -> Record:
    """One asset, also a deleted one if asked. Raises AssetNotFound."""
    row = await tx.fetchrow(_by_id, asset_id=asset_id, deleted=deleted)
    if row is None:
        raise AssetNotFound(f"There is no asset {asset_id}.")
    return row


_status, _pattern = cast(bindparam("status"), Text), cast(bindparam("pattern"), Text)
_newest_first = (
    select(admin_media_assets)
    .where(_assets.deleted_at.is_not(None) == cast(bindparam("deleted"), Boolean))
    .where(or_(_status.is_(None), _assets.conversion_status == _status))
    .where(or_(_pattern.is_(None), _assets.title.ilike(_pattern), _assets.filename.ilike(_pattern)))
    .order_by(_assets.created_at.desc(), _assets.id.desc())
    .limit(bindparam("most"))
)
_first_page = Statement(_newest_first)
_next_page = Statement(
    _newest_first.where(
        tuple_(_assets.created_at, _assets.id)
        < tuple_(
            cast(bindparam("before"), DateTime(timezone=True)), cast(bindparam("before_id"), Uuid)
        )
    )
)


async def assets(
    tx: Tx,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None,
    status: str | None,
    query: str | None,
    deleted: bool,
) -> list[Record]:
    """Up to ``limit`` assets older than ``before``, newest first; ``query`` is in title or name."""
    pattern = containing(query) if query else None
    wanted = {"status": status, "pattern": pattern, "deleted": deleted, "most": limit}
    if before is None:
        return await tx.fetch(_first_page, **wanted)
    return await tx.fetch(_next_page, **wanted, before=before[0], before_id=before[1])
