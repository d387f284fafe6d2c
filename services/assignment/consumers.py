"""What this service learns from others, in whatever order it arrives."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, case, func, null, true
from sqlalchemy.dialects.postgresql import insert

from services.assignment.tables import admins, assets, users
from shared.bus.consumer import consumer
from shared.bus.port import Subscription
from shared.contracts.converter import (
    AssetDeleted,
    AssetRestated,
    AssetRestored,
    AssetStatusChanged,
    AssetUploaded,
)
from shared.contracts.identity import UserChanged, UserCreated, UserRestated
from shared.contracts.topology import ASSIGNMENT_FACTS
from shared.db import Database, Statement, Tx
from shared.db.people import learn_people
from shared.db.replica import learn


def subscription(database: Database) -> Subscription:
    """Everything this service listens to."""
    return consumer(
        ASSIGNMENT_FACTS,
        database,
        {
            UserCreated: on_person,
            UserChanged: on_person,
            UserRestated: on_person,
            AssetUploaded: on_asset_uploaded,
            AssetStatusChanged: on_asset_status_changed,
            AssetDeleted: on_asset_deleted,
            AssetRestated: on_asset_restated,
            AssetRestored: on_asset_restored,
        },
    )


on_person = learn_people(users, admins)


_new_asset = insert(assets).values(
    id=bindparam("id"),
    known=true(),
    title=bindparam("title"),
    filename=bindparam("filename"),
    status="pending",
    version=bindparam("version"),
)
_learn_asset = Statement(
    _new_asset.on_conflict_do_update(
        index_elements=[assets.c.tenant_id, assets.c.id],
        set_={
            "known": true(),
            "title": _new_asset.excluded.title,
            "filename": _new_asset.excluded.filename,
            "status": case(
                (assets.c.version < _new_asset.excluded.version, _new_asset.excluded.status),
                else_=assets.c.status,
            ),
            "version": func.greatest(assets.c.version, _new_asset.excluded.version),
        },
    )
)


async def on_asset_uploaded(tx: Tx, event: AssetUploaded) -> None:
    """An asset is there; its status may have moved on already, by an event that overtook this."""
    await tx.execute(
        _learn_asset,
        id=event.asset_id,
        title=event.title,
        filename=event.filename,
        version=event.version,
    )


_learn_status = learn(assets, "status")


async def on_asset_status_changed(tx: Tx, event: AssetStatusChanged) -> None:
    """A conversion moved on; of an asset not heard of before, a stub is made."""
    await tx.execute(_learn_status, id=event.asset_id, status=event.status, version=event.version)


def _presence(deleted_at: ColumnElement[Any]) -> Statement:
    """An asset is there or not, as the newest word of that has it; one not heard of is a stub."""
    told = insert(assets).values(
        id=bindparam("id"),
        deleted_at=deleted_at,
        presence_version=bindparam("version"),
    )
    return Statement(
        told.on_conflict_do_update(
            index_elements=[assets.c.tenant_id, assets.c.id],
            set_={
                "deleted_at": deleted_at,
                "presence_version": told.excluded.presence_version,
            },
            where=assets.c.presence_version < told.excluded.presence_version,
        )
    )


_lose_asset = _presence(bindparam("now", type_=assets.c.deleted_at.type))
_regain_asset = _presence(null())


async def on_asset_deleted(tx: Tx, event: AssetDeleted) -> None:
    """An asset is gone, whatever else is told of it later, but that it was restored."""
    now = await tx.now()
    await tx.execute(_lose_asset, id=event.asset_id, version=event.version, now=now)


async def on_asset_restored(tx: Tx, event: AssetRestored) -> None:
    """An asset that was deleted can be given again."""
    await tx.execute(_regain_asset, id=event.asset_id, version=event.version)


_asset_again = insert(assets).values(
    id=bindparam("id"),
    known=true(),
    title=bindparam("title"),
    filename=bindparam("filename"),
    status=bindparam("status"),
    deleted_at=bindparam("deleted_at"),
    version=bindparam("version"),
    presence_version=bindparam("version"),
)
_told = _asset_again.excluded
_is_newer = assets.c.version < _told.version
_is_lost_since = and_(
    assets.c.presence_version < _told.presence_version, _told.deleted_at.is_not(None)
)
_lost_at = func.coalesce(assets.c.deleted_at, _told.deleted_at)
_restored_version = bindparam("restored_version", type_=BigInteger)
_is_back_since = and_(assets.c.presence_version < _restored_version, _told.deleted_at.is_(None))
_learn_asset_again = Statement(
    _asset_again.on_conflict_do_update(
        index_elements=[assets.c.tenant_id, assets.c.id],
        set_={
            "known": true(),
            "title": _told.title,
            "filename": _told.filename,
            "status": case((_is_newer, _told.status), else_=assets.c.status),
            "deleted_at": case(
                (_is_lost_since, _lost_at), (_is_back_since, null()), else_=assets.c.deleted_at
            ),
            "presence_version": case(
                (_is_lost_since, _told.presence_version),
                (_is_back_since, _restored_version),
                else_=assets.c.presence_version,
            ),
            "version": func.greatest(assets.c.version, _told.version),
        },
    )
)


async def on_asset_restated(tx: Tx, event: AssetRestated) -> None:
    """An asset as it is now; of its status and its deletion, only what is newer.

    What is gone here is back only if it was restored: else it may just have been withdrawn, and
    its owner not know it yet.
    """
    await tx.execute(
        _learn_asset_again,
        id=event.asset_id,
        title=event.title,
        filename=event.filename,
        status=event.status,
        deleted_at=event.deleted_at,
        version=event.version,
        restored_version=event.restored_version,
    )
