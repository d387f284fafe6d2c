"""A stand-in for ``identity``: it signs tokens, and knows sessions, keys and tickets."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

SESSION = UUID("019a9d3c-5c00-7000-8000-00000000005e")
"""The session of everybody who does not say otherwise."""


def new_key() -> OKPKey:
    """A signing key as ``identity`` has it."""
    key = OKPKey.generate_key("Ed25519", {"alg": "Ed25519", "use": "sig"})
    key.ensure_kid()
    return key


@dataclass
class Registry:
    """Sessions and keys that ended, what keys and tickets are worth, and how often one asked."""

    ended: set[str] = field(default_factory=set)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0

    def grant(self, secret: str, credential: UUID, **more: Any) -> None:
        """Let a key or ticket be worth something."""
        told = {"credential": str(credential), "tenant": "acme", "actor": f"key:{credential}"}
        self.grants[secret] = told | {"role": "admin", "expires_at": None} | more


@dataclass
class IdentityStandIn:
    """What an entrance asks ``identity`` for."""

    key: OKPKey = field(default_factory=new_key)
    registry: Registry = field(default_factory=Registry)

    def token(self, *, key: OKPKey | None = None, header: Any = None, **claims: Any) -> str:
        """An access token; whatever is given replaces what a good one says."""
        key = key or self.key
        now = int(time.time())
        told = {
            "iss": "marquee/identity",
            "aud": "marquee",
            "sub": str(uuid4()),
            "sid": str(SESSION),
            "nbf": now,
            "exp": now + 60,
            "tenant": "acme",
            "role": "admin",
        } | claims
        told = {name: value for name, value in told.items() if value is not None}
        head = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.kid} | (header or {})
        return jwt.encode(head, told, key, algorithms=["Ed25519"])

    def bearer(self, **claims: Any) -> dict[str, str]:
        """The header of somebody signed in."""
        return {"Authorization": f"Bearer {self.token(**claims)}"}

    def routes(self) -> list[web.RouteDef]:
        """Where it is asked."""
        return [
            web.get("/.well-known/jwks.json", self._keys),
            web.post("/internal/credentials/live", self._live),
            web.post("/internal/api-keys/redeem", self._redeem),
            web.post("/internal/tickets/redeem", self._spend),
        ]

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(dict(KeySet([self.key]).as_dict(private=False)))

    async def _live(self, request: web.Request) -> web.Response:
        self.registry.asked += 1
        asked = (await request.json())["ids"]
        ended = self.registry.ended
        return web.json_response({"ids": [each for each in asked if each not in ended]})

    async def _redeem(self, request: web.Request) -> web.Response:
        secret = (await request.json())["secret"]
        return web.json_response({"grant": self.registry.grants.get(secret)})

    async def _spend(self, request: web.Request) -> web.Response:
        secret = (await request.json())["secret"]
        return web.json_response({"grant": self.registry.grants.pop(secret, None)})
