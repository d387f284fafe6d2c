"""Routes about tenants, for the operator: the administrators of the tenant ``default``."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    BaseModel,
    Field,
    GetCoreSchemaHandler,
    StrictBool,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from services.identity import commands, queries
from services.identity.commands import (
    EmailTaken,
    NewTenant,
    NewUser,
    OperatorTenant,
    TenantChanges,
    TenantExists,
)
from services.identity.http.parts import Email, Name, Parts, Password, User, routes
from services.identity.passwords import hash_password
from services.identity.queries import TenantNotFound
from shared.contracts.context import TENANT
from shared.db import Tx
from shared.web import Answer, Call
from shared.web.paging import cursor_text, read_cursor

Slug = Annotated[
    str, StringConstraints(pattern=f"^{TENANT}$", max_length=63), Field(examples=["acme"])
]
"""What a tenant is called in addresses and files, for ever."""


class FirstAdministrator(BaseModel):
    """Who administrates a new tenant; without a password, one is generated."""

    email: Email
    name: Name
    password: Password | None = None


class NewTenantBody(BaseModel):
    """A tenant to be created; ``slug`` becomes its id."""

    slug: Slug
    name: Annotated[Name, Field(examples=["Acme"])]
    admin: FirstAdministrator


class Changes(BaseModel):
    """What shall be different; what is left out stays as it is."""

    name: Name | None = None
    disabled: StrictBool | None = None


class Tenant(BaseModel):
    """A tenant; nobody of a disabled one can sign in or act."""

    id: str
    name: str
    disabled: bool
    created_at: datetime


class CreatedTenant(Tenant):
    """A new tenant with its administrator; a generated password is shown only now."""

    admin: User
    admin_password: str | None


class Seen(NamedTuple):
    """The last tenant of a page, as an opaque cursor to the next page."""

    created_at: datetime
    id: str

    def __str__(self) -> str:
        return cursor_text(self.created_at, self.id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote. Raises ValueError for anything else."""
        return cls(*read_cursor(text, str))

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema())


class TenantsQuery(BaseModel):
    """``query`` searches in ids and names."""

    query: Annotated[str, Field(max_length=200)] = ""
    limit: int = Field(50, ge=1, le=500, description="How many items a page has.")
    cursor: Annotated[Seen, WithJsonSchema({"type": "string"})] | None = Field(
        None, description="Where the next page begins: the `next_cursor` of the page before."
    )


class Tenants(BaseModel):
    """A page of tenants; ``next_cursor`` is null on the last."""

    items: list[Tenant]
    next_cursor: str | None = None


_END_OF_TIME = Seen(datetime.max.replace(tzinfo=UTC), "")


@routes.post(
    "/api/admin/tenants",
    access="operator",
    answers={201: CreatedTenant},
    refusals=[TenantExists, EmailTaken],
    idempotent=True,
)
async def create_tenant(call: Call[Parts], body: NewTenantBody) -> Answer:
    """Create a tenant with its first administrator."""
    generated = None if body.admin.password else secrets.token_urlsafe(12)
    hashed = await hash_password(body.admin.password or generated or "")
    administrator = NewUser(body.admin.email, body.admin.name, "admin", hashed)
    new = NewTenant(body.slug, body.name, administrator)

    async def command(tx: Tx) -> Answer:
        tenant, admin = await commands.create_tenant(tx, new)
        told = CreatedTenant.model_validate({**tenant, "admin": admin, "admin_password": generated})
        return Answer(201, told, {"Location": f"/api/admin/tenants/{told.id}"})

    return await call.once(call.parts.database, command)


@routes.get("/api/admin/tenants", access="operator")
async def search_tenants(call: Call[Parts], query: TenantsQuery) -> Tenants:
    """Search tenants, newest first."""
    async with call.parts.database.transaction(call.context) as tx:
        before = query.cursor or _END_OF_TIME
        rows = await queries.tenants_page(tx, query.query, before, query.limit + 1)
    items = [Tenant.model_validate(dict(row)) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    last = str(Seen(items[-1].created_at, items[-1].id)) if more else None
    return Tenants(items=items, next_cursor=last)


@routes.get(
    "/api/admin/tenants/{tenant_id}", access="operator", refusals=[TenantNotFound], tagged=True
)
async def show_tenant(call: Call[Parts], tenant_id: Slug) -> Tenant:
    """Show a tenant."""
    async with call.parts.database.transaction(call.context) as tx:
        return Tenant.model_validate(dict(await queries.tenant(tx, tenant_id)))


@routes.patch(
    "/api/admin/tenants/{tenant_id}",
    access="operator",
    refusals=[TenantNotFound, OperatorTenant],
)
async def change_tenant(call: Call[Parts], tenant_id: Slug, body: Changes) -> Tenant:
    """Change a tenant's name, or disable or enable it.

    Everybody of a disabled tenant is signed out, at once. The API keys of one that is enabled
    again are good again within a minute.
    """
    changes = TenantChanges(body.name, body.disabled)
    async with call.parts.database.transaction(call.context) as tx:
        changed = await commands.change_tenant(tx, tenant_id, changes)
    await call.parts.announcer.revoked(call.context, changed.ended)
    return Tenant.model_validate(dict(changed.tenant))
