"""What this service learns from others, in whatever order it arrives."""

from __future__ import annotations

from sqlalchemy import bindparam, case, func, true
from sqlalchemy.dialects.postgresql import insert

from services.assignment.tables import admins, assets, users
from shared.bus.consumer import consumer
from shared.bus.port import Subscription
from shared.contracts.converter import (
    AssetDeleted,
    AssetRestated,
    AssetStatusChanged,
    AssetUploaded,
)
from shared.contracts.identity import UserChanged, UserCreated, UserRestated
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
            UserRestated: on_user_restated,
            AssetUploaded: on_asset_uploaded,
            AssetStatusChanged: on_asset_status_changed,
            AssetDeleted: on_asset_deleted,
            AssetRestated: on_asset_restated,
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


async def on_user_restated(tx: Tx, event: UserRestated) -> None:
    """A person as they are now; what is known already stays."""
    await _learn_person(tx, event, administrates=event.may_have_administrated)


async def _learn_person(
    tx: Tx, event: UserCreated | UserChanged | UserRestated, *, administrates: bool
) -> None:
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


_gone_asset = insert(assets).values(id=bindparam("id"), deleted_at=bindparam("now"))
_lose_asset = Statement(
    _gone_asset.on_conflict_do_update(
        index_elements=[assets.c.tenant_id, assets.c.id],
        set_={"deleted_at": func.coalesce(assets.c.deleted_at, _gone_asset.excluded.deleted_at)},
    )
)


async def on_asset_deleted(tx: Tx, event: AssetDeleted) -> None:
    """An asset is gone for good, whatever else is told of it later."""
    await tx.execute(_lose_asset, id=event.asset_id, now=await tx.now())


_asset_again = insert(assets).values(
    id=bindparam("id"),
    known=true(),
    title=bindparam("title"),
    filename=bindparam("filename"),
    status=bindparam("status"),
    deleted_at=bindparam("deleted_at"),
    version=bindparam("version"),
)
_is_newer = assets.c.version < _asset_again.excluded.version
_learn_asset_again = Statement(
    _asset_again.on_conflict_do_update(
        index_elements=[assets.c.tenant_id, assets.c.id],
        set_={
            "known": true(),
            "title": _asset_again.excluded.title,
            "filename": _asset_again.excluded.filename,
            "status": case((_is_newer, _asset_again.excluded.status), else_=assets.c.status),
            "deleted_at": func.coalesce(assets.c.deleted_at, _asset_again.excluded.deleted_at),
            "version": func.greatest(assets.c.version, _asset_again.excluded.version),
        },
    )
)


async def on_asset_restated(tx: Tx, event: AssetRestated) -> None:
    """An asset as it is now; of its status, only what is newer. One that is gone stays gone."""
    await tx.execute(
        _learn_asset_again,
        id=event.asset_id,
        title=event.title,
        filename=event.filename,
        status=event.status,
        deleted_at=event.deleted_at,
        version=event.version,
    )
