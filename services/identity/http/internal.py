"""Routes for the gateway alone: what a secret is worth, and which sessions go on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from asyncpg import Record
from pydantic import BaseModel, Field

from services.identity import commands, vault
from services.identity.credentials import digest_of
from services.identity.http.parts import Parts, routes
from shared.contracts.identity import Role
from shared.web import Call


class Asked(BaseModel):
    """Sessions and API keys that are in use."""

    ids: Annotated[list[UUID], Field(max_length=10_000)]


class Live(BaseModel):
    """Those of them that are good."""

    ids: list[UUID]


class Given(BaseModel):
    """An API key or a ticket, as somebody showed it."""

    secret: Annotated[str, Field(max_length=500)]


class Grant(BaseModel):
    """Whose it is; ``expires_at`` is null for a key without an end."""

    credential: UUID
    tenant: str
    actor: str
    role: Role
    expires_at: datetime | None


class Redeemed(BaseModel):
    """What a secret is worth: null if it is nobody's, or not any more."""

    grant: Grant | None


@routes.post("/internal/credentials/live", access="internal")
async def live_credentials(call: Call[Parts], body: Asked) -> Live:
    """Which sessions and keys are good, and that these keys are in use."""
    async with call.parts.database.system_transaction() as tx:
        rows = await vault.live(tx, body.ids)
        if used := [row["id"] for row in rows if row["actor"].startswith("key:")]:
            await vault.note_use(tx, used)
    return Live(ids=[row["id"] for row in rows])


@routes.post("/internal/api-keys/redeem", access="internal")
async def redeem_api_key(call: Call[Parts], body: Given) -> Redeemed:
    """Whose an API key is."""
    async with call.parts.database.system_transaction() as tx:
        return _redeemed(await vault.key_by_digest(tx, digest_of(body.secret)))


@routes.post("/internal/tickets/redeem", access="internal")
async def redeem_ticket(call: Call[Parts], body: Given) -> Redeemed:
    """Whose a ticket is; it is spent by that."""
    async with call.parts.database.system_transaction() as tx:
        return _redeemed(await commands.redeem_ticket(tx, digest_of(body.secret)))


def _redeemed(row: Record | None) -> Redeemed:
    if row is None:
        return Redeemed(grant=None)
    return Redeemed(
        grant=Grant(
            credential=row["id"],
            tenant=row["tenant_id"],
            actor=row["actor"],
            role=row["role"],
            expires_at=row["expires_at"],
        )
    )
