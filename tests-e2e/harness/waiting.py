"""Waiting for what the contract promises soon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(check: Callable[[], Awaitable[None]], *, within: float = 1.0) -> None:
    """Try a check until it holds; its last complaint is raised when the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        try:
            return await check()
        except AssertionError:
            if loop.time() > deadline:
                raise
        await asyncio.sleep(0.05)
