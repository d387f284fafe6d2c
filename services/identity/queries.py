"""Read models: plain SELECTs, without what only signing in needs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import Record
from sqlalchemy import bindparam, select, tuple_

from services.identity.tables import tenants, users
from shared.contracts.identity import UserNotFound
from shared.contracts.refusal import Refusal
from shared.db import Statement, Tx
from shared.db.patterns import containing


class TenantNotFound(Refusal):
    """There is no such tenant."""

    code = "tenant_not_found"
    status = 404
    title = "Tenant not found"


_shown = (
    users.c.id,
    users.c.email,
    users.c.name,
    users.c.role,
    users.c.disabled,
    users.c.created_at,
)

_by_id = Statement(select(*_shown).where(users.c.id == bindparam("id")))


async def user(tx: Tx, ident: UUID) -> Record:
    """A user of this tenant. Refuses an id that nobody of it has."""
    row = await tx.fetchrow(_by_id, id=ident)
    if row is None:
        raise UserNotFound(f"There is no user {ident}.")
    return row


_page = Statement(
    select(*_shown)
    .where(
        (users.c.email + " " + users.c.name).ilike(bindparam("pattern")),
        tuple_(users.c.created_at, users.c.id)
        < tuple_(bindparam("before_time"), bindparam("before_id")),
    )
    .order_by(users.c.created_at.desc(), users.c.id.desc())
    .limit(bindparam("count"))
)


async def users_page(tx: Tx, query: str, before: tuple[datetime, UUID], count: int) -> list[Record]:
    """Users older than ``before``, newest first; ``query`` is in the address or the name."""
    return await tx.fetch(
        _page,
        pattern=containing(query),
        before_time=before[0],
        before_id=before[1],
        count=count,
    )


_tenant = Statement(select(tenants).where(tenants.c.id == bindparam("id")))
_tenants_page = Statement(
    select(tenants)
    .where(
        (tenants.c.id + " " + tenants.c.name).ilike(bindparam("pattern")),
        tuple_(tenants.c.created_at, tenants.c.id)
        < tuple_(bindparam("before_time"), bindparam("before_id")),
    )
    .order_by(tenants.c.created_at.desc(), tenants.c.id.desc())
    .limit(bindparam("count"))
)


async def tenant(tx: Tx, ident: str) -> Record:
    """A tenant. Refuses an id that none has."""
    row = await tx.fetchrow(_tenant, id=ident)
    if row is None:
        raise TenantNotFound(f"There is no tenant {ident}.")
    return row


async def tenants_page(
    tx: Tx, query: str, before: tuple[datetime, str], count: int
) -> list[Record]:
    """Tenants older than ``before``, newest first; ``query`` is in the id or the name."""
    return await tx.fetch(
        _tenants_page,
        pattern=containing(query),
        before_time=before[0],
        before_id=before[1],
        count=count,
    )
