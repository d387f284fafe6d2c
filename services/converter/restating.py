"""Tells again which assets there are."""

from __future__ import annotations

from asyncpg import Record
from sqlalchemy import bindparam, select

from services.converter.tables import admin_media_assets
from shared.contracts.converter import AssetRestated
from shared.contracts.maintenance import ConverterMaintained
from shared.db import Database, Statement, Tx
from shared.operating.restating import Restating, Telling, in_pages

_assets = admin_media_assets.c
_after = Statement(
    select(
        _assets.id,
        _assets.title,
        _assets.filename,
        _assets.conversion_status,
        _assets.thumbnail_url,
        _assets.deleted_at,
        _assets.version,
        _assets.restored_version,
    )
    .where(_assets.id > bindparam("after"))
    .order_by(_assets.id)
    .limit(bindparam("count"))
)


async def tell_assets(tx: Tx, queue: str) -> int:
    """Every asset of the tenant as it is now, deleted ones too."""
    return await in_pages(tx, _after, _restated, queue)


def _restated(asset: Record) -> AssetRestated:
    return AssetRestated(
        asset_id=asset["id"],
        title=asset["title"],
        filename=asset["filename"],
        status=asset["conversion_status"],
        thumbnail_key=asset["thumbnail_url"],
        deleted_at=asset["deleted_at"],
        version=asset["version"],
        restored_version=asset["restored_version"],
    )


def restating(database: Database) -> Restating:
    """Who assigns assets and who writes about them knows them."""
    films: dict[str, Telling] = {"assets": tell_assets}
    return Restating(
        "converter", database, ConverterMaintained, {"assignment": films, "audit": films}
    )
