"""The public keys of ``identity``, fetched when needed and kept when it is down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.contracts import tokens
from shared.web.problems import Unavailable

_FRESH_SECONDS = 900.0
_PAUSE_SECONDS = 5.0

log = structlog.get_logger()


class KeyRing:
    """Ed25519 keys by id (RFC 7517, RFC 8037).

    Keys are fetched again after 15 minutes, and for an unknown id, at most every 5 seconds and
    never twice at a time. While that fails, the keys at hand stay good.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[dict[str, Any]]], now: Callable[[], float]
    ) -> None:
        """``fetch`` gets the key set, or raises; ``now`` is in seconds, monotonic."""
        self._fetch = fetch
        self._now = now
        self._keys: dict[str, OKPKey] = {}
        self._fetched = self._attempted = float("-inf")
        self._attempts = 0
        self._one_at_a_time = asyncio.Lock()

    async def key(self, kid: str) -> OKPKey | None:
        """The key of this id; None if ``identity`` has none. Raises Unavailable."""
        if kid not in self._keys or self._now() - self._fetched > _FRESH_SECONDS:
            await self._refresh()
        if not self._keys:
            raise Unavailable("The keys to verify tokens cannot be fetched.", part="identity")
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        attempts = self._attempts
        async with self._one_at_a_time:
            somebody_did = attempts != self._attempts
            too_soon = self._keys and self._now() - self._attempted < _PAUSE_SECONDS
            if somebody_did or too_soon:
                return
            self._attempts += 1
            self._attempted = self._now()
            try:
                document = await self._fetch()
                self._keys = {each["kid"]: _verifying_key(each) for each in _usable(document)}
                self._fetched = self._now()
            except (Unavailable, JoseError, KeyError, TypeError, ValueError) as error:
                log.warning("keys_not_fetched", error=repr(error), kept=len(self._keys))


def _usable(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Other kinds of keys are no business of ours (RFC 7517, section 5)."""
    return [each for each in document["keys"] if each.get("crv") == tokens.ALGORITHM]


def _verifying_key(jwk: dict[str, Any]) -> OKPKey:
    public = {name: jwk[name] for name in ("kty", "crv", "x", "kid")}
    return OKPKey.import_key(public, {"alg": tokens.ALGORITHM, "use": "sig"})
