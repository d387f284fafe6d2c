"""Loading and saving sessions, API keys and tickets, one statement a function."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record
from sqlalchemy import (
    ARRAY,
    Text,
    Uuid,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from services.identity.tables import api_keys, sessions, tenants, tickets, users
from shared.db import Statement, Tx

USED_EVERY = timedelta(minutes=1)
"""How coarsely the last use of a key is written down."""

_now = bindparam("now", type_=sessions.c.expires_at.type)
_key_lives = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > _now)

_live_sessions = (
    select(
        sessions.c.id,
        sessions.c.tenant_id,
        (literal("user:", Text) + cast(users.c.id, Text)).label("actor"),
        users.c.role,
        sessions.c.expires_at,
    )
    .join(users, users.c.id == sessions.c.user_id)
    .join(tenants, tenants.c.id == sessions.c.tenant_id)
    .where(sessions.c.expires_at > _now, ~users.c.disabled, ~tenants.c.disabled)
)
_live_keys = (
    select(
        api_keys.c.id,
        api_keys.c.tenant_id,
        (literal("key:", Text) + cast(api_keys.c.id, Text)).label("actor"),
        api_keys.c.role,
        api_keys.c.expires_at,
    )
    .join(tenants, tenants.c.id == api_keys.c.tenant_id)
    .where(_key_lives, ~tenants.c.disabled)
)

_ids = bindparam("ids", type_=ARRAY(Uuid))

_add_session = Statement(
    insert(sessions).values({c.name: bindparam(c.name) for c in sessions.columns})
)
_end_session = Statement(delete(sessions).where(sessions.c.id == bindparam("id")))
_end_sessions = Statement(
    delete(sessions).where(sessions.c.user_id == bindparam("user_id")).returning(sessions.c.id)
)
_end_all_sessions = Statement(
    delete(sessions).where(sessions.c.tenant_id == bindparam("tenant")).returning(sessions.c.id)
)
_keys = Statement(select(api_keys.c.id).where(api_keys.c.tenant_id == bindparam("tenant")))
_user_of_session = Statement(
    select(users)
    .join(sessions, sessions.c.user_id == users.c.id)
    .where(sessions.c.id == bindparam("id"), sessions.c.expires_at > _now, ~users.c.disabled)
)
_live = Statement(
    union_all(
        _live_sessions.where(sessions.c.id == func.any(_ids)),
        _live_keys.where(api_keys.c.id == func.any(_ids)),
    )
)
_used = Statement(
    update(api_keys)
    .where(
        api_keys.c.id == func.any(_ids),
        or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < bindparam("before")),
    )
    .values(last_used_at=bindparam("at"))
)
_key_by_digest = Statement(_live_keys.where(api_keys.c.digest == bindparam("digest")))
_add_key = Statement(
    insert(api_keys).values(
        {c.name: bindparam(c.name) for c in api_keys.columns if c.name != "last_used_at"}
    )
)
_remove_key = Statement(
    delete(api_keys).where(api_keys.c.id == bindparam("id")).returning(api_keys)
)
_keys_page = Statement(
    select(api_keys)
    .where(
        tuple_(api_keys.c.created_at, api_keys.c.id)
        < tuple_(bindparam("before_time"), bindparam("before_id")),
    )
    .order_by(api_keys.c.created_at.desc(), api_keys.c.id.desc())
    .limit(bindparam("count"))
)
_add_ticket = Statement(
    insert(tickets).values({c.name: bindparam(c.name) for c in tickets.columns})
)
_take_ticket = Statement(
    delete(tickets)
    .where(tickets.c.digest == bindparam("digest"))
    .returning(tickets.c.credential_id, tickets.c.expires_at)
)
_forget_sessions = Statement(delete(sessions).where(sessions.c.expires_at <= _now))
_forget_tickets = Statement(delete(tickets).where(tickets.c.expires_at <= _now))


async def add_session(tx: Tx, ident: UUID, user_id: UUID, lifetime: timedelta) -> datetime:
    """Begin a session of a user of the transaction's tenant; return when it ends."""
    now = await tx.now()
    await tx.execute(
        _add_session,
        id=ident,
        tenant_id=tx.context.tenant,
        user_id=user_id,
        created_at=now,
        expires_at=now + lifetime,
    )
    return now + lifetime


async def end_session(tx: Tx, ident: UUID) -> bool:
    """Delete a session; whether it was there."""
    return bool(await tx.execute(_end_session, id=ident))


async def end_sessions(tx: Tx, user_id: UUID) -> list[UUID]:
    """Delete all sessions of a user; return which they were."""
    return [row["id"] for row in await tx.fetch(_end_sessions, user_id=user_id)]


async def end_all_sessions(tx: Tx) -> list[UUID]:
    """Delete the sessions of all of the tenant's users; return which they were."""
    return [row["id"] for row in await tx.fetch(_end_all_sessions, tenant=tx.context.tenant)]


async def keys(tx: Tx) -> list[UUID]:
    """The ids of the tenant's API keys."""
    return [row["id"] for row in await tx.fetch(_keys, tenant=tx.context.tenant)]


async def user_of_session(tx: Tx, ident: UUID) -> Record | None:
    """Whose session it is, while it lasts."""
    return await tx.fetchrow(_user_of_session, id=ident, now=await tx.now())


async def live(tx: Tx, idents: Iterable[UUID]) -> list[Record]:
    """Those of these sessions and keys that are good: id, tenant, actor, role, end."""
    return await tx.fetch(_live, ids=list(idents), now=await tx.now())


async def note_use(tx: Tx, idents: Iterable[UUID]) -> None:
    """Write down that these keys are in use, unless that was done a moment ago."""
    now = await tx.now()
    await tx.execute(_used, ids=list(idents), before=now - USED_EVERY, at=now)


async def key_by_digest(tx: Tx, digest: bytes) -> Record | None:
    """The key that has this digest, if it is good."""
    return await tx.fetchrow(_key_by_digest, digest=digest, now=await tx.now())


async def add_key(tx: Tx, key: dict[str, Any]) -> None:
    """Insert an API key."""
    await tx.execute(_add_key, **key)


async def remove_key(tx: Tx, ident: UUID) -> Record | None:
    """Delete an API key of this tenant; return what it was."""
    return await tx.fetchrow(_remove_key, id=ident)


async def keys_page(tx: Tx, before: tuple[datetime, UUID], count: int) -> list[Record]:
    """API keys older than ``before``, newest first."""
    return await tx.fetch(_keys_page, before_time=before[0], before_id=before[1], count=count)


async def add_ticket(tx: Tx, digest: bytes, credential_id: UUID, expires_at: datetime) -> None:
    """Keep a ticket."""
    await tx.execute(
        _add_ticket,
        digest=digest,
        tenant_id=tx.context.tenant,
        credential_id=credential_id,
        expires_at=expires_at,
    )


async def take_ticket(tx: Tx, digest: bytes) -> UUID | None:
    """What a ticket stands for, once, and only in time."""
    ticket = await tx.fetchrow(_take_ticket, digest=digest)
    if ticket is None or ticket["expires_at"] <= await tx.now():
        return None
    return UUID(str(ticket["credential_id"]))


async def forget_expired(tx: Tx) -> None:
    """Delete what nobody can use any more; keys stay to be seen."""
    now = await tx.now()
    await tx.execute(_forget_sessions, now=now)
    await tx.execute(_forget_tickets, now=now)
