"""Waiting a moment for a fact that is on its way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.contracts.refusal import Refusal

T = TypeVar("T")

_FIRST_PAUSE = 0.025
_LONGEST_PAUSE = 0.1


async def patiently(
    attempt: Callable[[], Awaitable[T]],
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    now: Callable[[], float] = time.monotonic,
) -> T:
    """Attempt again while the refusal has patience left; then let it through.

    Each attempt must stand alone (its own transaction): facts that arrived since are seen only
    by a new one.
    """
    began, pause = now(), _FIRST_PAUSE
    while True:
        try:
            return await attempt()
        except Refusal as refusal:
            left = began + refusal.patience - now()
            if left <= 0:
                raise
        await sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
