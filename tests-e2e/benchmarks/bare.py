"""What bare servers have in common: a free port, uvloop, a line that says it, and a full pool."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
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


async def pool_of(role: str) -> asyncpg.Pool[Any]:
    """Open connections to the database that the command line names, in this role."""
    return await asyncpg.create_pool(
        *sys.argv[1:], min_size=16, max_size=16, reset=_as_it_is, server_settings={"role": role}
    )


async def _as_it_is(_: object) -> None:
    """Nothing sets session state, so nothing needs resetting."""
