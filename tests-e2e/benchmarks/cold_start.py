"""``cold_start``: everything in one process on the embedded parts, started the second time."""

from __future__ import annotations

import asyncio
import time

from benchmarks.bench import Bench
from benchmarks.figures import alone, at_most
from benchmarks.usage import MIB, watched
from harness.launch import launched

TARGETS = {"cold_start": at_most(5, "s"), "cold_start.memory": at_most(300, "MiB")}
_IDLE = 3.0


async def measure(bench: Bench) -> None:
    """What ``make run`` starts; memory is that of the process and of its database, idle."""
    directory = bench.directory / "cold"
    environment = {"MARQUEE_PORT": "0", "MARQUEE_DATA_DIR": str(directory)}
    memory: list[float] = []

    async def start() -> float:
        began = time.perf_counter()
        log = bench.directory / "cold.log"
        async with launched(log=log, environment=environment, within=120) as process:
            seconds = time.perf_counter() - began
            await asyncio.sleep(_IDLE)
            async with watched(process.pid) as usage:
                pass
            memory.append(usage.peak / MIB)
        return seconds

    found = await bench.times(start)
    bench.report(alone("cold_start", TARGETS, found))
    bench.report(alone("cold_start.memory", TARGETS, memory[1:]))
