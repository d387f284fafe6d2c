"""Rate limits: how much of something somebody may do in a time, counted in this process."""

from __future__ import annotations

import math
import time
from typing import Annotated

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from pydantic import PlainValidator

from shared.contracts.refusal import Refusal


class TooManyRequests(Refusal):
    """Somebody asks more often than the operator allows; ``Retry-After`` says when to go on."""

    code = "too_many_requests"
    status = 429
    title = "Too many requests"


def _rate(given: object) -> RateLimitItem:
    if isinstance(given, RateLimitItem):
        return given
    try:
        return parse(str(given))
    except ValueError:
        raise ValueError("takes a rate such as 60/minute") from None


Rate = Annotated[RateLimitItem, PlainValidator(_rate)]
"""A setting such as ``60/minute`` or ``1000 per 2 hours``."""


class RateLimiter:
    """Counts by sliding windows, in memory that does not grow with what is counted."""

    def __init__(self) -> None:
        self._windows = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def spend(self, what: str, rate: RateLimitItem, *who: str, cost: int = 1) -> None:
        """Let somebody do ``cost`` of something. Raises TooManyRequests, and counts nothing then.

        ``who`` are the parts that tell one from another: an account, an address.
        """
        if not await self._windows.hit(rate, what, *who, cost=cost):
            stats = await self._windows.get_window_stats(rate, what, *who)
            seconds = max(1, math.ceil(stats.reset_time - time.time()))
            raise TooManyRequests(f"At most {rate} of: {what}.", retry_after=seconds)
