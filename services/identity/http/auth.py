"""Routes to sign in and out, and to learn who is signed in."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from asyncpg import Record
from pydantic import BaseModel, Field

from services.identity import commands, vault
from services.identity.commands import InvalidCredentials
from services.identity.commands.sessions import TICKET_LIFETIME
from services.identity.http.parts import Parts, User, routes
from shared.contracts.context import Context
from shared.contracts.tokens import LIFETIME
from shared.web import Call
from shared.web.limits import TooManyRequests
from shared.web.problems import Unauthenticated

log = structlog.get_logger()


class Credentials(BaseModel):
    """What a person signs in with."""

    email: Annotated[str, Field(max_length=254, examples=["admin@example.com"])]
    password: Annotated[str, Field(max_length=256)]


class SignedIn(BaseModel):
    """An access token and whose it is; ``expires_in`` is in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a type, not a token
    expires_in: int = LIFETIME
    user: User


class CurrentSession(BaseModel):
    """Who is signed in, if anybody, and what a page sends as ``X-CSRF-Token`` in their name."""

    user: User | None = None
    csrf_token: str | None = None


class Ticket(BaseModel):
    """Opens one WebSocket: ``/ws?ticket=...``; ``expires_in`` is in seconds."""

    ticket: str
    expires_in: int = TICKET_LIFETIME


@routes.post("/api/auth/login", refusals=[InvalidCredentials, TooManyRequests], access="public")
async def log_in(call: Call[Parts], body: Credentials) -> SignedIn:
    """Sign in with an email address and a password.

    The token is also set as a cookie, for browsers.
    """
    email = body.email.strip()
    address = call.request.headers.get("X-Forwarded-For", "unknown")
    limiter = call.parts.limiter
    await limiter.spend("logins from one address", call.parts.login_address_rate, address)
    await limiter.spend("logins", call.parts.login_rate, email.lower(), address)
    try:
        user = await commands.log_in(call.parts.database, email, body.password)
    except InvalidCredentials:
        log.warning("sign_in_refused", address=address)  # the name may be a password, misplaced
        raise
    return await _begin(call, user)


async def _begin(call: Call[Parts], user: Record) -> SignedIn:
    context = Context(user["tenant_id"], correlation_id=call.context.correlation_id)
    async with call.parts.database.transaction(context) as tx:
        session = await commands.begin_session(tx, user["id"])
    token = call.parts.signer.issue(
        user_id=session.user["id"],
        tenant=session.user["tenant_id"],
        role=session.user["role"],
        session=session.id,
        token_id=call.parts.new_id(),
    )
    return SignedIn(access_token=token, user=User.model_validate(dict(session.user)))


@routes.get("/api/auth/session", access="public")
async def show_session(call: Call[Parts]) -> CurrentSession:
    """Who is signed in; ``user`` is null if nobody is."""
    if call.credential is None:
        return CurrentSession()
    async with call.parts.database.transaction(call.context) as tx:
        user = await vault.user_of_session(tx, call.credential)
    if user is None:
        return CurrentSession()
    token = call.parts.csrf.token(call.credential)
    return CurrentSession(user=User.model_validate(dict(user)), csrf_token=token)


@routes.post("/api/auth/logout", access="user", answers={204: None})
async def log_out(call: Call[Parts]) -> None:
    """End the session: its token is worth nothing from now on. An API key is not affected."""
    session = _credential(call)
    async with call.parts.database.transaction(call.context) as tx:
        ended = await vault.end_session(tx, session)
    if ended:
        await call.parts.announcer.revoked(call.context, [session])


@routes.post("/api/auth/ws-ticket", access="user", answers={201: Ticket})
async def issue_ticket(call: Call[Parts]) -> Ticket:
    """Get a ticket that opens one WebSocket within 30 seconds, where no header can be sent."""
    async with call.parts.database.transaction(call.context) as tx:
        ticket = await commands.issue_ticket(tx, _credential(call))
    return Ticket(ticket=ticket.text)


def _credential(call: Call[Parts]) -> UUID:
    if call.credential is None:
        raise Unauthenticated("Only who is signed in can do this.")
    return call.credential


@routes.get("/.well-known/jwks.json", access="public")
async def jwks(call: Call[Parts]) -> dict[str, Any]:
    """The keys that verify access tokens (RFC 7517)."""
    return call.parts.signer.jwks()
