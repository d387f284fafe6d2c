"""Who opens a WebSocket, and how often."""

from __future__ import annotations

from aiohttp import web
from limits import RateLimitItem

from shared.entrance.authentication import Authenticator, Caller
from shared.web.limits import RateLimiter


class SocketDoor:
    """Lets people open WebSockets, each counted alone."""

    def __init__(self, authenticator: Authenticator, rate: RateLimitItem) -> None:
        self._authenticator = authenticator
        self._rate = rate
        self._limiter = RateLimiter()

    async def admit(self, request: web.Request) -> Caller:
        """Who opens one, vouched for until their session ends.

        Raises TooManyRequests, and what the authenticator raises.
        """
        caller = await self._authenticator.admit_socket(request)
        who = (caller.claims.tenant, str(caller.claims.actor))
        await self._limiter.spend("WebSocket connections", self._rate, *who)
        return self._authenticator.for_the_session(caller)
