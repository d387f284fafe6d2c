"""Tells again who is there."""

from __future__ import annotations

from asyncpg import Record
from sqlalchemy import bindparam, select

from services.identity.tables import users
from shared.contracts.identity import UserRestated
from shared.contracts.maintenance import IdentityMaintained
from shared.db import Database, Statement, Tx
from shared.operating.restating import Restating, Telling, in_pages
from shared.operating.views import Consumer

_after = Statement(
    select(users.c.id, users.c.email, users.c.name, users.c.role, users.c.disabled, users.c.version)
    .where(users.c.id > bindparam("after"))
    .order_by(users.c.id)
    .limit(bindparam("count"))
)


async def tell_users(tx: Tx, queue: str) -> int:
    """Every person of the tenant, as they are now."""
    return await in_pages(tx, _after, _restated, queue)


def _restated(user: Record) -> UserRestated:
    return UserRestated(
        user_id=user["id"],
        email=user["email"],
        display_name=user["name"],
        role=user["role"],
        disabled=user["disabled"],
        version=user["version"],
    )


def restating(database: Database) -> Restating:
    """Everybody who keeps copies knows people."""
    people: dict[str, Telling] = {"users": tell_users}
    consumers: tuple[Consumer, ...] = ("assignment", "audit", "converter")
    return Restating("identity", database, IdentityMaintained, dict.fromkeys(consumers, people))
