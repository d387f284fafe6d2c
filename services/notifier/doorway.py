"""Who may open a WebSocket here: who comes from the gateway, and who was routed straight to us."""

from __future__ import annotations

from aiohttp import web

from shared.contracts.context import Context
from shared.entrance.entrance import Entrance
from shared.entrance.whence import WHENCE
from shared.web.access import Access, require
from shared.web.actor import Claims
from shared.web.application import FROM_OUTSIDE, Gate, context_of

LISTENER: web.RequestKey[Claims] = web.RequestKey("listener", Claims)
"""Who was let in, until their session ends."""


class Doorway:
    """Believes the gateway; lets in whoever else could have come by way of it."""

    def __init__(self, gate: Gate, entrance: Entrance) -> None:
        self._gate = gate
        self._entrance = entrance

    async def admit(self, request: web.Request, access: Access) -> tuple[Context, Claims | None]:
        """Who asks, and for whom. Raises as the entrance does."""
        claims = self._gate.claims(request) or await self._from_outside(request)
        require(claims, access)
        request[LISTENER] = claims
        return context_of(request, claims), claims

    async def _from_outside(self, request: web.Request) -> Claims:
        request[FROM_OUTSIDE] = True
        request[WHENCE] = self._entrance.proxies.whence(request)
        return (await self._entrance.sockets.admit(request)).claims
