"""What all bare servers have in common: a free port, uvloop, and a line that says it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import uvloop
from aiohttp import web


def serve(build: Callable[[], Awaitable[web.Application]]) -> None:
    """Serve an application until terminated."""

    async def forever() -> None:
        runner = web.AppRunner(await build(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(f"ready at http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.Event().wait()

    uvloop.run(forever())
