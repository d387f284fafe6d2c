"""What the operator can do with tenants: create one, rename it, and close and open its doors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.identity import store, vault
from services.identity.commands.people import NewUser, create_user
from services.identity.queries import TenantNotFound
from shared.contracts.context import DEFAULT_TENANT
from shared.contracts.identity import TenantChanged, TenantCreated, TenantField
from shared.contracts.refusal import Refusal
from shared.db import Tx


class TenantExists(Refusal):
    """The id of a tenant is for ever, and another has it."""

    code = "tenant_exists"
    status = 409
    title = "There is such a tenant"


class OperatorTenant(Refusal):
    """Without the operator's own tenant nobody could open the others again."""

    code = "operator_tenant"
    status = 409
    title = "The operator's tenant"


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A tenant to be created, and who administrates it first."""

    id: str
    name: str
    administrator: NewUser


async def create_tenant(tx: Tx, new: NewTenant) -> tuple[dict[str, Any], dict[str, Any]]:
    """Create a tenant and its first administrator; return both.

    Refuses an id or an address that is taken. The first fact of its trail is that it was created.
    """
    now = await tx.now()
    if not await store.add_tenant(tx, new.id, new.name):
        raise TenantExists(f"There is already a tenant {new.id}.")
    created = TenantCreated(tenant=new.id, display_name=new.name, created_at=now)
    tx.emit(created)
    async with tx.within(new.id):
        tx.emit(created)
        administrator = await create_user(tx, new.administrator)
    tenant = {"id": new.id, "name": new.name, "disabled": False, "created_at": now}
    return tenant, administrator


@dataclass(frozen=True, slots=True)
class TenantChanges:
    """What shall be different about a tenant; None leaves it as it is."""

    name: str | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class ChangedTenant:
    """A tenant as it is now, and the sessions and API keys that are good no more."""

    tenant: Record
    ended: list[UUID]


async def change_tenant(tx: Tx, ident: str, changes: TenantChanges) -> ChangedTenant:
    """Change a tenant. Refuses to disable the operator's own.

    Disabling ends all sessions. API keys stay, and are good again when the tenant is enabled.
    """
    tenant = await store.tenant_for_change(tx, ident)
    if tenant is None:
        raise TenantNotFound(f"There is no tenant {ident}.")
    if changes.disabled and ident == DEFAULT_TENANT:
        raise OperatorTenant("The operator's tenant cannot be disabled.")
    wanted = {
        name: tenant[name] if (value := getattr(changes, name)) is None else value
        for name in _FIELDS
    }
    different: list[TenantField] = [name for name in _FIELDS if tenant[name] != wanted[name]]
    if not different:
        return ChangedTenant(tenant, [])
    changed = await store.change_tenant(tx, ident, **wanted)
    tx.emit(
        TenantChanged(
            tenant=ident,
            display_name=wanted["name"],
            disabled=wanted["disabled"],
            changed=different,
        )
    )
    closed = "disabled" in different and wanted["disabled"]
    return ChangedTenant(changed, await _put_out(tx, ident) if closed else [])


_FIELDS: tuple[TenantField, ...] = ("name", "disabled")


async def _put_out(tx: Tx, tenant: str) -> list[UUID]:
    async with tx.within(tenant):
        return [*await vault.end_all_sessions(tx), *await vault.keys(tx)]
