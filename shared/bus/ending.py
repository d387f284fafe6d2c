"""Ending tasks: a cancellation may get lost, and still everything must stop in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import structlog

log = structlog.get_logger()

AGAIN = 5.0
"""Seconds until a task that has not ended is asked again; more than orderly cleaning up takes."""

PATIENCE = 10.0
"""Seconds until a task that has not ended is left behind."""


async def end(
    tasks: Collection[asyncio.Task[Any]], *, again: float = AGAIN, patience: float = PATIENCE
) -> None:
    """Cancel tasks and wait for their end, however it comes; after ``patience`` go on without.

    Asking once is not enough: ``asyncio.wait_for`` of Python 3.11 drops a cancellation that comes
    together with its result, and the AMQP client makes one that meets the end of a channel into
    an error of that channel.
    """
    running = {task for task in tasks if not task.done()}
    deadline = asyncio.get_running_loop().time() + patience
    while running:
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            log.error("tasks_do_not_end", names=sorted(task.get_name() for task in running))
            return
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=min(again, left))
