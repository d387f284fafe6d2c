"""Routes about API keys, for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.identity import commands, vault
from services.identity.commands import ApiKeyNotFound, ExpiryPast
from services.identity.http.parts import END_OF_TIME, Name, Parts, routes
from shared.contracts.identity import Role
from shared.db import Tx
from shared.web import Answer, Call, Page, PageQuery


class NewKeyBody(BaseModel):
    """A key to be created; without ``expires_at`` it lasts until it is deleted."""

    name: Annotated[Name, Field(examples=["Nightly import"])]
    role: Role = "user"
    expires_at: AwareDatetime | None = None


class ApiKey(BaseModel):
    """A key; ``prefix`` is how it begins. ``last_used_at`` is right to some minutes."""

    id: UUID
    name: str
    role: Role
    prefix: str
    created_at: datetime
    created_by: UUID
    expires_at: datetime | None
    last_used_at: datetime | None


class CreatedKey(ApiKey):
    """A new key with its secret, which is shown only now: ``Authorization: Bearer <key>``."""

    key: str


@routes.post(
    "/api/admin/api-keys", answers={201: CreatedKey}, refusals=[ExpiryPast], idempotent=True
)
async def create_api_key(call: Call[Parts], body: NewKeyBody) -> Answer:
    """Create an API key."""
    new = commands.NewKey(body.name, body.role, body.expires_at)

    async def command(tx: Tx) -> Answer:
        row, secret = await commands.create_key(tx, new)
        return Answer(201, CreatedKey.model_validate({**row, "key": secret}))

    return await call.once(call.parts.database, command)


@routes.get("/api/admin/api-keys")
async def list_api_keys(call: Call[Parts], query: PageQuery) -> Page[ApiKey]:
    """List API keys, newest first, without their secrets."""
    async with call.parts.database.transaction(call.context) as tx:
        rows = await vault.keys_page(tx, query.cursor or END_OF_TIME, query.limit + 1)
    found = [ApiKey.model_validate(dict(row)) for row in rows]
    return Page[ApiKey].of(found, query.limit, lambda key: (key.created_at, key.id))


@routes.delete("/api/admin/api-keys/{key_id}", answers={204: None}, refusals=[ApiKeyNotFound])
async def delete_api_key(call: Call[Parts], key_id: UUID) -> None:
    """Delete an API key: it is worth nothing from now on."""
    async with call.parts.database.transaction(call.context) as tx:
        await commands.delete_key(tx, key_id)
    await call.parts.announcer.revoked(call.context, [key_id])
