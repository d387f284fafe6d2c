"""Work done in order, but not one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable


async def in_lanes(lanes: int, work: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Begin the pieces in order, with at most so many ``lanes`` in use at a time.

    After a failure no piece is begun any more; those under way are finished, and then it is
    raised. If the caller is cancelled, so are they.
    """
    waiting, failures = iter(work), list[Exception]()

    async def lane() -> None:
        while not failures and (piece := next(waiting, None)):
            try:
                await piece()
            except Exception as error:
                failures.append(error)

    async with asyncio.TaskGroup() as group:
        for _ in range(lanes):
            group.create_task(lane())
    if failures:
        raise failures[0]
