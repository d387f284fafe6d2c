"""The internal actor header: who the gateway vouches for, signed so that services need not ask.

``X-Actor`` is base64url(JSON claims) + "." + base64url(HMAC-SHA256). The gateway strips any that
comes from outside; services trust only what their shared key signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import orjson

from shared.contracts.actor import Actor
from shared.contracts.identity import Role

HEADER = "X-Actor"


@dataclass(frozen=True, slots=True)
class Claims:
    """Who acts, for which tenant, in which role, and until when (Unix seconds).

    ``credential`` is the session or the API key by which the gateway knows.
    """

    tenant: str
    actor: Actor
    role: Role
    expires: float
    credential: UUID | None = None


class ForgedActor(ValueError):
    """The header was not signed with our key, or not any more valid."""


class ActorSeal:
    """Signs and verifies the header with one key, derived for this purpose alone."""

    def __init__(self, key: bytes, now: Callable[[], float]) -> None:
        self._key = key
        self._now = now

    def sign(self, claims: Claims) -> str:
        """The header value for these claims."""
        told = {
            "tenant": claims.tenant,
            "actor": str(claims.actor),
            "role": claims.role,
            "exp": claims.expires,
            "cred": None if claims.credential is None else str(claims.credential),
        }
        body = base64.urlsafe_b64encode(orjson.dumps(told))
        return f"{body.decode()}.{self._signature(body)}"

    def verify(self, header: str) -> Claims:
        """What the header claims. Raises ForgedActor."""
        body, _, signature = header.encode("utf-8", "surrogateescape").partition(b".")
        if not hmac.compare_digest(signature, self._signature(body).encode()):
            raise ForgedActor("the signature does not fit")
        told = orjson.loads(base64.urlsafe_b64decode(body))
        if told["exp"] <= self._now():
            raise ForgedActor("the actor has expired")
        return Claims(
            tenant=told["tenant"],
            actor=Actor.parse(told["actor"]),
            role=told["role"],
            expires=told["exp"],
            credential=None if told["cred"] is None else UUID(told["cred"]),
        )

    def _signature(self, body: bytes) -> str:
        digest = hmac.new(self._key, body, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode()
