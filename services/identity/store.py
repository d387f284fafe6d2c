"""Loading and saving people, one statement a function."""

from __future__ import annotations

from uuid import UUID

from asyncpg import Record
from sqlalchemy import bindparam, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.identity.tables import tenants, users
from shared.db import Statement, Tx

_email_matches = func.lower(users.c.email) == func.lower(bindparam("email"))

_insert_tenant = Statement(
    upsert(tenants)
    .values(id=bindparam("id"), name=bindparam("name"), created_at=bindparam("created_at"))
    .on_conflict_do_nothing()
)
_tenant_for_change = Statement(
    select(tenants).where(tenants.c.id == bindparam("id")).with_for_update(key_share=True)
)
_change_tenant = Statement(
    update(tenants)
    .where(tenants.c.id == bindparam("ident"))
    .values(name=bindparam("new_name"), disabled=bindparam("now_disabled"))
    .returning(tenants)
)
_open_tenant = Statement(
    select(tenants.c.id)
    .where(tenants.c.id == bindparam("id"), ~tenants.c.disabled)
    .with_for_update(read=True)
)
_insert_user = Statement(insert(users).values({c.name: bindparam(c.name) for c in users.columns}))
_any_user = Statement(select(exists(select(users.c.id))))
_by_email = Statement(select(users).where(_email_matches))
_for_change = Statement(
    select(users).where(users.c.id == bindparam("id")).with_for_update(key_share=True)
)
_administrators = Statement(
    select(users.c.id)
    .where(users.c.role == "admin", ~users.c.disabled)
    .order_by(users.c.id)
    .with_for_update(key_share=True)
)
_renew_hash = Statement(
    update(users)
    .where(users.c.id == bindparam("ident"), users.c.password_hash == bindparam("old"))
    .values(password_hash=bindparam("new"))
)
_change_user = Statement(
    update(users)
    .where(users.c.id == bindparam("ident"))
    .values(
        name=bindparam("new_name"),
        role=bindparam("new_role"),
        disabled=bindparam("now_disabled"),
        version=users.c.version + 1,
    )
    .returning(users)
)


async def add_tenant(tx: Tx, ident: str, name: str) -> bool:
    """Insert a tenant unless it is there; whether it was not."""
    added = await tx.execute(_insert_tenant, id=ident, name=name, created_at=await tx.now())
    return added == 1


async def tenant_for_change(tx: Tx, ident: str) -> Record | None:
    """A tenant, locked until the end of the transaction."""
    return await tx.fetchrow(_tenant_for_change, id=ident)


async def change_tenant(tx: Tx, ident: str, *, name: str, disabled: bool) -> Record:
    """Write what can be changed of a tenant."""
    changed = await tx.fetchrow(_change_tenant, ident=ident, new_name=name, now_disabled=disabled)
    assert changed is not None, "the row was locked before"
    return changed


async def tenant_is_open(tx: Tx, ident: str) -> bool:
    """Whether a tenant may be used; it stays so until the end of the transaction."""
    return await tx.fetchrow(_open_tenant, id=ident) is not None


async def add_user(tx: Tx, user: dict[str, object]) -> None:
    """Insert a user row. Raises asyncpg.UniqueViolationError if the address is taken."""
    await tx.execute(_insert_user, **user)


async def any_user(tx: Tx) -> bool:
    """Whether anybody is there at all."""
    return bool(await tx.fetchval(_any_user))


async def user_by_email(tx: Tx, email: str) -> Record | None:
    """A user, of any tenant the transaction may see."""
    return await tx.fetchrow(_by_email, email=email)


async def user_for_change(tx: Tx, ident: UUID) -> Record | None:
    """A user, locked until the end of the transaction."""
    return await tx.fetchrow(_for_change, id=ident)


async def renew_hash(tx: Tx, ident: UUID, old: str, new: str) -> None:
    """Keep another hash of the same password, unless it was changed meanwhile."""
    await tx.execute(_renew_hash, ident=ident, old=old, new=new)


async def lock_administrators(tx: Tx) -> set[UUID]:
    """The ids of the tenant's administrators who can act; all locked, so that all stay so."""
    return {row["id"] for row in await tx.fetch(_administrators)}


async def change_user(tx: Tx, ident: UUID, *, name: str, role: str, disabled: bool) -> Record:
    """Write what can be changed of a user, and count the change."""
    changed = await tx.fetchrow(
        _change_user, ident=ident, new_name=name, new_role=role, now_disabled=disabled
    )
    assert changed is not None, "the row was locked before"
    return changed
