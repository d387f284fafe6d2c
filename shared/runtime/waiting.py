"""Where a process waits for a part it cannot start without, and says so to whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import structlog
from aiohttp import web

from shared.web.answer import json_response

T = TypeVar("T")

Address = tuple[str, int]

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two attempts, growing twofold."""

log = structlog.get_logger()


class WaitingRoom:
    """Tries again and again what cannot be had yet; meanwhile it listens where the services will.

    ``/livez`` is then 200, since nothing is wrong with this process, and everything else is 503:
    ``/readyz`` names the part.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses

    async def until(
        self,
        part: str,
        attempt: Callable[[], Awaitable[T]],
        *,
        while_raising: tuple[type[Exception], ...],
    ) -> T:
        """What ``attempt`` returns at last; any other exception ends the wait."""
        try:
            return await attempt()
        except while_raising as error:
            log.warning("part_awaited", part=part, error=_told(error))
        async with self._listening(part):
            return await _insist(part, attempt, while_raising)

    @asynccontextmanager
    async def _listening(self, part: str) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_get("/livez", _alive)
        app.router.add_route("*", "/{path:.*}", _starting(part))
        async with AsyncExitStack() as stack:
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            for host, port in self._addresses:
                await web.TCPSite(runner, host, port).start()
            yield


async def _insist(
    part: str,
    attempt: Callable[[], Awaitable[T]],
    while_raising: tuple[type[Exception], ...],
) -> T:
    pause, began = FIRST_PAUSE, asyncio.get_running_loop().time()
    while True:
        await asyncio.sleep(pause)
        try:
            result = await attempt()
        except while_raising as error:
            pause = min(2 * pause, LONGEST_PAUSE)
            log.warning("part_awaited", part=part, error=_told(error), again_in=pause)
        else:
            waited = asyncio.get_running_loop().time() - began
            log.info("part_arrived", part=part, seconds=round(waited, 1))
            return result


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


async def _alive(_: web.Request) -> web.Response:
    return json_response({"status": "ok"})


def _starting(part: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        body = {"status": "starting", "down": [part]}
        return json_response(body, status=503, headers={"Retry-After": "1"})

    return answer
