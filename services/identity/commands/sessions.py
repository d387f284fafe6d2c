"""What can be done with sessions: begin one, and give a WebSocket a ticket to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from asyncpg import Record

from services.identity import store, vault
from services.identity.commands.people import InvalidCredentials
from services.identity.credentials import Secret, new_ticket
from shared.contracts.tokens import LIFETIME
from shared.db import Tx

TICKET_LIFETIME = 30
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has begun, and whose it is."""

    id: UUID
    user: Record


async def begin_session(tx: Tx, user_id: UUID) -> Session:
    """Begin a session of somebody whose password was right.

    Refuses who was disabled since, and those of a tenant that is.
    """
    user = await store.user_for_change(tx, user_id)
    admitted = user and not user["disabled"] and await store.tenant_is_open(tx, tx.context.tenant)
    if user is None or not admitted:
        raise InvalidCredentials("The email address or the password is wrong.")
    session = Session(tx.new_id(), user)
    await vault.add_session(tx, session.id, user_id, timedelta(seconds=LIFETIME))
    return session


async def issue_ticket(tx: Tx, credential_id: UUID) -> Secret:
    """A ticket that opens one WebSocket as whoever has this session or key."""
    ticket = new_ticket()
    expires_at = await tx.now() + timedelta(seconds=TICKET_LIFETIME)
    await vault.add_ticket(tx, ticket.digest, credential_id, expires_at)
    return ticket


async def redeem_ticket(tx: Tx, digest: bytes) -> Record | None:
    """Whose ticket it is, once; nobody's, if it was used, is too old, or the session has ended."""
    credential_id = await vault.take_ticket(tx, digest)
    if credential_id is None:
        return None
    return next(iter(await vault.live(tx, [credential_id])), None)
