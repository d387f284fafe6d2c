"""Work that trails behind: done on what is ready, while the next is being made ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, ParamSpec, Self

P = ParamSpec("P")


class Behind:
    """One piece of work at a time, beside the block; at the end of the block all of it is done.

    If a piece fails, the block is interrupted, and what the piece raised is raised by it. If the
    block fails, the last piece is still finished; if it is cancelled, so is the piece.
    """

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._work: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            with suppress(BaseExceptionGroup):  # the block's own error comes first
                await self._group.__aexit__(None, None, None)
            return
        try:
            await self._group.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def give(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for the piece before, and begin with this one."""
        try:
            if self._work:
                await asyncio.wait([self._work])
        except BaseException:
            work.close()
            raise
        self._work = self._group.create_task(work)


async def in_thread(work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run blocking work to its end, also when cancelled: it uses what its caller will close."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise
