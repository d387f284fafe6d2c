"""Who is asking: tokens, API keys and cookies verified once, then remembered for a moment.

Source: RFC 6750 (bearer tokens), RFC 9068 (JWT access tokens), RFC 8725 (best practice),
RFC 9864 (the algorithm name ``Ed25519``).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from aiohttp import hdrs, web
from cachetools import TTLCache
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from pydantic import BaseModel, ValidationError

from shared.contracts import tokens
from shared.contracts.actor import Actor
from shared.contracts.identity import Role
from shared.contracts.refusal import Refusal
from shared.entrance import cookies
from shared.entrance.credentials import Credentials, InvalidToken
from shared.entrance.identity import Grant, Identity
from shared.entrance.keys import KeyRing
from shared.entrance.origins import SAFE_METHODS, ForeignOrigin, Origins
from shared.web.access import Access, require
from shared.web.actor import ActorSeal, Claims
from shared.web.csrf import HEADER as CSRF_HEADER
from shared.web.csrf import CsrfTokens
from shared.web.problems import Unauthenticated

_REMEMBERED = 20_000
_REMEMBERED_SECONDS = 30.0
_VOUCHED_SECONDS = 90.0
"""How long services may trust an actor header: at least a minute, however late it is reused."""

_LEEWAY = 5
"""Seconds by which the clocks of machines may differ when a token is new."""

_LONGEST_TOKEN = 4096
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""What keys and tickets are made of; nothing else is worth asking for."""

_EXPIRED = "The token has expired; sign in again."


class ForgedRequest(Refusal):
    """A cookie alone does not act: any page can make a browser send it."""

    code = "csrf_token_missing"
    status = 403
    title = "The request was not meant by who sent it"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, the signed header that tells services so, and when the session ends (Unix time)."""

    claims: Claims
    header: str
    session_ends: float

    @property
    def credential(self) -> UUID:
        """The session or key the caller signed in with."""
        assert self.claims.credential is not None, "nobody gets in without one"
        return self.claims.credential


class TokenClaims(BaseModel):
    """What an access token must say for us, besides what RFC 9068 checks."""

    sub: UUID
    sid: UUID
    tenant: str
    role: Role
    exp: float


class Authenticator:
    """Turns a request into a caller. ``now`` is Unix time in seconds."""

    def __init__(
        self,
        *,
        ring: KeyRing,
        identity: Identity,
        credentials: Credentials,
        origins: Origins,
        csrf: CsrfTokens,
        seal: ActorSeal,
        now: Callable[[], float],
    ) -> None:
        self._ring = ring
        self._identity = identity
        self._credentials = credentials
        self._origins = origins
        self._csrf = csrf
        self._seal = seal
        self._now = now
        self._known: TTLCache[bytes, Caller] = TTLCache(_REMEMBERED, _REMEMBERED_SECONDS, timer=now)
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": tokens.ISSUER},
            aud={"essential": True, "value": tokens.AUDIENCE},
            exp={"essential": True},
        )

    async def admit(self, request: web.Request, access: Access) -> Caller | None:
        """The caller, if any. Raises Unauthenticated, InvalidToken, Forbidden or Unavailable.

        A cookie acts only with the token against forgery, and from a page that may act for people.
        """
        if access == "public":
            return await self._anyone(request)
        caller = await self._asking(request)
        require(caller.claims, access)
        return caller

    async def admit_socket(self, request: web.Request) -> Caller:
        """Who opens a WebSocket: by a ticket, a bearer token, or a cookie from one of our pages."""
        ticket = request.query.get("ticket")
        if ticket is not None and hdrs.AUTHORIZATION not in request.headers:
            return await self._by_ticket(ticket)
        caller = await self._asking(request)
        by_cookie = hdrs.AUTHORIZATION not in request.headers
        if by_cookie and not self._origins.ours(request):
            raise ForeignOrigin("This page may not open a WebSocket here.")
        return caller

    def for_the_session(self, caller: Caller) -> Caller:
        """The same caller, vouched for until the session ends: a WebSocket outlives a request."""
        told = replace(caller.claims, expires=caller.session_ends)
        return replace(caller, claims=told, header=self._seal.sign(told))

    async def _anyone(self, request: web.Request) -> Caller | None:
        """A public route works as well for somebody whose token is no good any more."""
        try:
            return await self._asking(request)
        except (Unauthenticated, InvalidToken, ForeignOrigin, ForgedRequest):
            return None

    async def _asking(self, request: web.Request) -> Caller:
        if hdrs.AUTHORIZATION in request.headers:
            return await self._caller(_bearer(request))
        token = cookies.shown(request)
        if token is None:
            raise Unauthenticated("Send an access token: Authorization: Bearer ...")
        caller = await self._caller(token)
        if request.method not in SAFE_METHODS:
            self._require_meant(request, caller.credential)
        return caller

    def _require_meant(self, request: web.Request, session: UUID) -> None:
        if not self._origins.ours(request):
            raise ForeignOrigin("This page may not act in the name of who is signed in.")
        if not self._csrf.fits(session, request.headers.get(CSRF_HEADER, "")):
            raise ForgedRequest(f"Send the csrf_token of /api/auth/session as {CSRF_HEADER}.")

    async def _caller(self, token: str) -> Caller:
        if not token.isascii() or len(token) > _LONGEST_TOKEN:
            raise InvalidToken("The token is malformed or not meant for us.")
        digest = hashlib.sha256(token.encode()).digest()
        caller = self._known.get(digest)
        if caller is None or caller.session_ends <= self._now():
            by_key = token.startswith(tokens.API_KEY_PREFIX)
            caller = await (self._by_key(token) if by_key else self._by_token(token))
            self._known[digest] = caller
        await self._credentials.require(caller.credential)
        return caller

    async def _by_token(self, token: str) -> Caller:
        told = await self._verified(token)
        return self._vouched(told.tenant, Actor.user(told.sub), told.role, told.exp, told.sid)

    async def _by_key(self, key: str) -> Caller:
        grant = await self._identity.redeem_key(key) if _SECRET.fullmatch(key) else None
        if grant is None:
            raise InvalidToken("The API key is not known, or not any more.")
        return self._granted(grant)

    async def _by_ticket(self, ticket: str) -> Caller:
        good = _SECRET.fullmatch(ticket)
        grant = await self._identity.redeem_ticket(ticket) if good else None
        if grant is None:
            raise InvalidToken("The ticket has been used, or is too old; get another one.")
        caller = self._granted(grant)
        await self._credentials.require(caller.credential)
        return caller

    def _granted(self, grant: Grant) -> Caller:
        ends = grant.expires_at.timestamp() if grant.expires_at else math.inf
        ends = min(ends, self._now() + tokens.LIFETIME)
        actor = Actor.parse(grant.actor)
        return self._vouched(grant.tenant, actor, grant.role, ends, grant.credential)

    def _vouched(
        self, tenant: str, actor: Actor, role: Role, ends: float, credential: UUID
    ) -> Caller:
        vouched = min(ends, self._now() + _VOUCHED_SECONDS)
        told = Claims(tenant, actor, role, vouched, credential)
        return Caller(told, self._seal.sign(told), ends)

    async def _verified(self, token: str) -> TokenClaims:
        try:
            key = await self._ring.key(_key_id(token))
            if key is None:
                raise InvalidToken("The token was not signed by us.")
            decoded = jwt.decode(token, key, algorithms=[tokens.ALGORITHM])
            if decoded.header.get("typ") != tokens.TYPE:
                raise InvalidToken("The token is no access token.")
            self._claims.validate(decoded.claims)
            claims = TokenClaims.model_validate(decoded.claims)
        except ExpiredTokenError:
            raise InvalidToken(_EXPIRED) from None
        except (JoseError, ValidationError, ValueError):
            raise InvalidToken("The token is malformed or not meant for us.") from None
        if claims.exp <= self._now():
            raise InvalidToken(_EXPIRED)
        return claims


def _key_id(token: str) -> str:
    """The ``kid`` that the token names; it selects among our own keys and does nothing else."""
    return str(jws.extract_compact(token.encode()).headers().get("kid", ""))


def _bearer(request: web.Request) -> str:
    header = request.headers[hdrs.AUTHORIZATION]
    scheme, _, token = header.partition(" ")
    if not header:
        raise Unauthenticated("Send an access token: Authorization: Bearer ...")
    if scheme.lower() != "bearer":
        raise InvalidToken("The Authorization header must be a bearer token.")
    return token.strip()
