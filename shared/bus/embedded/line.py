"""The waiting line of one queue: what of it is in memory, and where the rest begins."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from shared.bus.embedded.store import WINDOW, Row, Store


class Line:
    """Ready rows in order of ``seq``.

    A line that grows beyond WINDOW spills: later rows are left in the table, and read back when
    the line has run empty. A new line starts spilled, which is also how a start after a crash
    recovers. ``ready_making`` is held by whoever makes rows ready, here or elsewhere: under it
    nothing can slip between a look into the table and its result.
    """

    def __init__(self, queue: str, store: Store, ready_making: asyncio.Lock) -> None:
        self._queue = queue
        self._store = store
        self._ready_making = ready_making
        self._waiting: deque[Row] = deque()
        self._something = asyncio.Event()
        self._last = 0
        self._spilled = True
        self._something.set()
        self.handed_out = 0

    def offer(self, rows: Sequence[Row]) -> None:
        """Append rows that have just become ready, or leave them in the table."""
        if self._spilled or len(self._waiting) + len(rows) > WINDOW:
            self.spill()
        else:
            self._append(rows)

    def spill(self) -> None:
        """Leave to the table what came after the rows in memory."""
        self._spilled = True
        self._something.set()

    async def take(self, limit: int) -> list[Row]:
        """Wait for rows, then take up to ``limit``. Raises BusUnavailable."""
        while not self._waiting:
            if self._spilled:
                await self._read_back()
            else:
                await self._something.wait()
        taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        if not self._waiting and not self._spilled:
            self._something.clear()
        self.handed_out += len(taken)
        return taken

    async def _read_back(self) -> None:
        async with self._ready_making:
            if not self._spilled or self._waiting:
                return
            rows = await self._store.after(self._queue, self._last)
            self._spilled = len(rows) == WINDOW
            self._something.clear()
            self._append(rows)

    def _append(self, rows: Sequence[Row]) -> None:
        if rows:
            self._waiting.extend(rows)
            self._last = rows[-1].seq
            self._something.set()
