"""What a process takes while it is measured: its own, and all it has started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import psutil

MIB = 2**20

_LOOK = 0.2


@dataclass
class Usage:
    """Seconds of CPU, and bytes of memory: at the start, and the most there were at once."""

    cpu: float = 0
    before: int = 0
    peak: int = 0

    @property
    def growth(self) -> int:
        """By how many bytes it grew at most."""
        return self.peak - self.before

    def notes(self) -> dict[str, float]:
        """For the notes of a figure."""
        return {"cpu_seconds": round(self.cpu, 2), "peak_mib": round(self.peak / MIB, 1)}


@asynccontextmanager
async def watched(*pids: int, family: bool = True) -> AsyncIterator[Usage]:
    """Look every 0.2 s until the block ends; without ``family``, at these processes alone.

    Memory is what is theirs in proportion (PSS), so that what processes share counts once.
    """
    usage = Usage(before=_memory(pids, family))
    cpu = _cpu(pids)

    async def look() -> None:
        while True:
            usage.peak = max(usage.peak, await asyncio.to_thread(_memory, pids, family))
            await asyncio.sleep(_LOOK)

    looking = asyncio.create_task(look())
    try:
        yield usage
    finally:
        looking.cancel()
        usage.peak = max(usage.peak, _memory(pids, family))
        usage.cpu = _cpu(pids) - cpu


def _memory(pids: Iterable[int], family: bool) -> int:
    total = 0
    for pid in pids:
        process = psutil.Process(pid)
        for each in [process, *(process.children(recursive=True) if family else ())]:
            with suppress(psutil.Error):
                total += each.memory_full_info().pss
    return total


def _cpu(pids: Iterable[int]) -> float:
    """Seconds of the processes, and of the children that they have waited for."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)
