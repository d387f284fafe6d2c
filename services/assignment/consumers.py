"""What this service learns from others, in whatever order it arrives."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, func, null, true
from sqlalchemy.dialects.postgresql import insert

from services.assignment.tables import admins, assets, users
from shared.bus.consumer import consumer
from shared.bus.port import Subscription
from shared.contracts.converter import (
    AssetDeleted,
    AssetRestored,
    AssetStatusChanged,
    AssetUploaded,
)
from shared.contracts.identity import UserChanged, UserCreated
from shared.contracts.topology import ASSIGNMENT_FACTS
from shared.db import Database, Statement, Tx
from shared.db.replica import learn


def subscription(database: Database) -> Subscription:
    """Everything this service listens to."""
    return consumer(
        ASSIGNMENT_FACTS,
        database,
        {
            UserCreated: on_user_created,
            UserChanged: on_user_changed,
            AssetUploaded: on_asset_uploaded,
            AssetStatusChanged: on_asset_status_changed,
            AssetDeleted: on_asset_deleted,
            AssetRestored: on_asset_restored,
        },
    )


_learn_user = learn(users, "known", "email", "name", "disabled")
_learn_admin = learn(admins, "known", "email", "name")


async def on_user_created(tx: Tx, event: UserCreated) -> None:
    """A person can be given assets; an administrator can also give them."""
    await _learn_person(tx, event, administrates=event.role == "admin")


async def on_user_changed(tx: Tx, event: UserChanged) -> None:
    """A person changed; who was an administrator stays known as the one who gave something."""
    administrates = event.role == "admin" or "role" in event.changed
    await _learn_person(tx, event, administrates=administrates)


async def _learn_person(tx: Tx, event: UserCreated | UserChanged, *, administrates: bool) -> None:
    person = {
        "id": event.user_id,
        "known": True,
        "email": event.email,
        "name": event.display_name,
        "version": event.version,
    }
    await tx.execute(_learn_user, **person, disabled=event.disabled)
    if administrates:
        await tx.execute(_learn_admin, **person)


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
