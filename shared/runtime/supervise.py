"""Loops that run for ever, whatever happens to one of their rounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Counter

from shared.bus.ending import end
from shared.runtime.service import Loop

log = structlog.get_logger()

failures = Counter("marquee_loop_failures_total", "Times a loop failed", ["loop"])

_LONGEST_PAUSE = 30.0


async def keep_running(loop: Loop) -> None:
    """Run a loop until it returns; start it again, after 0.5 s to 30 s, each time it fails."""
    pause = 0.5
    clock = asyncio.get_running_loop()
    while True:
        began = clock.time()
        try:
            return await loop.run()
        except Exception:
            failures.labels(loop.name).inc()
            log.exception("loop_failed", loop=loop.name, restart_in=pause)
        await asyncio.sleep(pause)
        lived_long = clock.time() - began > _LONGEST_PAUSE
        pause = 0.5 if lived_long else min(pause * 2, _LONGEST_PAUSE)


@asynccontextmanager
async def running_loops(loops: Sequence[Loop]) -> AsyncIterator[None]:
    """Keep loops running inside the block; cancel them, and wait for them, at its end."""
    tasks = [asyncio.create_task(keep_running(loop), name=loop.name) for loop in loops]
    try:
        yield
    finally:
        await end(tasks)
