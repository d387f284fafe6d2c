"""What can be done with API keys: create one, and delete it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.identity import vault
from services.identity.credentials import new_api_key
from shared.contracts.identity import ApiKeyCreated, ApiKeyDeleted, Role
from shared.contracts.refusal import Refusal
from shared.db import Tx


class ExpiryPast(Refusal):
    """A key that has expired already is no key."""

    code = "expiry_in_the_past"
    status = 400
    title = "The expiry lies in the past"


class ApiKeyNotFound(Refusal):
    """The tenant has no such key."""

    code = "api_key_not_found"
    status = 404
    title = "API key not found"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be created; without an end it lasts until it is deleted."""

    name: str
    role: Role
    expires_at: datetime | None = None


async def create_key(tx: Tx, new: NewKey) -> tuple[dict[str, Any], str]:
    """Create a key of the transaction's tenant; return it, and its secret, which is not kept."""
    now = await tx.now()
    if new.expires_at is not None and new.expires_at <= now:
        raise ExpiryPast(f"It is {now.isoformat()} already.")
    secret = new_api_key()
    row = {
        "id": tx.new_id(),
        "tenant_id": tx.context.tenant,
        "name": new.name,
        "role": new.role,
        "prefix": secret.prefix,
        "digest": secret.digest,
        "created_at": now,
        "created_by": tx.context.actor.principal,
        "expires_at": new.expires_at,
    }
    await vault.add_key(tx, row)
    tx.emit(
        ApiKeyCreated(
            key_id=row["id"], prefix=secret.prefix, role=new.role, expires_at=new.expires_at
        )
    )
    return row | {"last_used_at": None}, secret.text


async def delete_key(tx: Tx, ident: UUID) -> None:
    """Delete a key: whoever has it is nobody from now on."""
    row = await vault.remove_key(tx, ident)
    if row is None:
        raise ApiKeyNotFound(f"There is no API key {ident}.")
    tx.emit(ApiKeyDeleted(key_id=ident, prefix=row["prefix"], role=row["role"]))
