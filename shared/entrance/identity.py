"""What an entrance asks ``identity``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from aiohttp import hdrs
from pydantic import BaseModel

from shared.contracts.actor import SYSTEM
from shared.contracts.context import DEFAULT_TENANT
from shared.contracts.identity import Role
from shared.entrance.upstream import Upstream
from shared.web.actor import HEADER, ActorSeal, Claims
from shared.web.answer import encode

_SECONDS = 5.0


class Grant(BaseModel):
    """Whose a key or a ticket is."""

    credential: UUID
    tenant: str
    actor: str
    role: Role
    expires_at: datetime | None


class Identity:
    """Asks the internal routes, as the system. Everything raises Unavailable."""

    def __init__(self, upstream: Upstream, seal: ActorSeal, now: Callable[[], float]) -> None:
        self._upstream = upstream
        self._seal = seal
        self._now = now

    async def live(self, idents: Sequence[UUID]) -> set[UUID]:
        """Those of these sessions and keys that are good."""
        answer = await self._ask("/internal/credentials/live", {"ids": list(idents)})
        return {UUID(ident) for ident in answer["ids"]}

    async def redeem_key(self, secret: str) -> Grant | None:
        """Whose an API key is."""
        return await self._redeem("/internal/api-keys/redeem", secret)

    async def redeem_ticket(self, secret: str) -> Grant | None:
        """Whose a ticket is; it is spent by that."""
        return await self._redeem("/internal/tickets/redeem", secret)

    async def _redeem(self, path: str, secret: str) -> Grant | None:
        grant = (await self._ask(path, {"secret": secret}))["grant"]
        return None if grant is None else Grant.model_validate(grant)

    async def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        me = Claims(DEFAULT_TENANT, SYSTEM, "admin", self._now() + 60)
        headers = {HEADER: self._seal.sign(me), hdrs.CONTENT_TYPE: "application/json"}
        answer: dict[str, Any] = orjson.loads(
            await self._upstream.post("identity", path, headers, encode(body), seconds=_SECONDS)
        )
        return answer
