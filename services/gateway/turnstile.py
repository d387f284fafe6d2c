"""Counts what callers do of the things that are limited."""

from __future__ import annotations

from collections.abc import Mapping

from limits import RateLimitItem

from services.gateway.table import Admitted, Limited
from shared.entrance.authentication import Caller
from shared.web.limits import RateLimiter


class Turnstile:
    """Lets callers pass at the rates of the operator, each counted alone."""

    def __init__(self, rates: Mapping[Limited, RateLimitItem]) -> None:
        self._rates = rates
        self._limiter = RateLimiter()

    async def count(self, admitted: Admitted, caller: Caller | None) -> None:
        """Count one request, if its route is limited. Raises TooManyRequests."""
        if admitted.limited and caller:
            who = (caller.claims.tenant, str(caller.claims.actor))
            await self._limiter.spend(admitted.limited, self._rates[admitted.limited], *who)
