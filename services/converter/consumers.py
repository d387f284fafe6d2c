"""What this service learns from others, in whatever order it arrives."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import bindparam, update

from services.converter import orders
from services.converter.tables import admin_media_assets, admins, users
from shared.bus.consumer import consumer
from shared.bus.port import Subscription
from shared.contracts.assignment import AssetStateChanged, AssetWithdrawn
from shared.contracts.converter import AssetNotFound
from shared.contracts.identity import UserChanged, UserCreated, UserRestated
from shared.contracts.topology import CONVERTER_FACTS
from shared.db import Database, Statement, Tx
from shared.db.people import learn_people
from shared.db.replica import stub


def subscription(database: Database) -> Subscription:
    """Everything this service listens to."""
    return consumer(
        CONVERTER_FACTS,
        database,
        {
            UserCreated: on_person,
            UserChanged: on_person,
            UserRestated: on_person,
            AssetStateChanged: on_asset_state_changed,
            AssetWithdrawn: on_asset_withdrawn,
        },
    )


on_person = learn_people(users, admins)


_stub_user = stub(users)
_stub_admin = stub(admins)
_assign = Statement(
    update(admin_media_assets)
    .where(
        admin_media_assets.c.id == bindparam("asset_id"),
        admin_media_assets.c.assignment_version < bindparam("news"),
    )
    .values(
        user_id=bindparam("holder"),
        assigned_at=bindparam("since"),
        assigned_by=bindparam("giver"),
        active_assignment_count=bindparam("holders"),
        assignment_version=bindparam("news"),
    )
)


async def on_asset_state_changed(tx: Tx, event: AssetStateChanged) -> None:
    """Who has an asset changed; news older than what is known changes nothing."""
    if event.user_id is not None:
        await tx.execute(_stub_user, id=event.user_id)
    if event.assigned_by is not None:
        await tx.execute(_stub_admin, id=event.assigned_by)
    await tx.execute(
        _assign,
        asset_id=event.asset_id,
        holder=event.user_id,
        since=event.assigned_at,
        giver=event.assigned_by,
        holders=event.active_assignment_count,
        news=event.version,
    )


async def on_asset_withdrawn(tx: Tx, event: AssetWithdrawn) -> None:
    """Nobody will have it any more: whoever asked for that wants it deleted, if it is not yet."""
    with suppress(AssetNotFound):
        await orders.delete_withdrawn(tx, event.asset_id, event.asset_version)
