"""``scale_out``: 1, 2, 4 and 8 workers on jobs that only sleep."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks import films
from benchmarks.bench import Bench
from benchmarks.figures import alone, at_least

TARGETS = {"scale_out": at_least(0.9, "of linear")}
WORKERS = (1, 2, 4, 8)
EACH = 2
_SLEEPER = """#!/bin/sh
# Stands for ffmpeg: takes its time without taking the machine's, and leaves an output.
for last; do :; done
sleep {seconds}
echo converted > "$last"
"""


async def measure(bench: Bench) -> None:
    """Each worker is a process with one slot; it gets two jobs, however many workers there are."""
    place = Path(tempfile.mkdtemp(prefix="marquee-sleeper-", dir="/tmp"))
    place.chmod(0o755)  # the account that ffmpeg runs as must be able to enter it
    try:
        sleeper = place / "sleeper"
        sleeper.write_text(_SLEEPER.format(seconds=bench.size(2, 1)))
        sleeper.chmod(0o755)
        taken = {number: await _seconds(bench, sleeper, number) for number in WORKERS}
    finally:
        shutil.rmtree(place)
    linear = {f"of_{number}": round(taken[1] / taken[number], 3) for number in WORKERS}
    bench.report(alone("scale_out", TARGETS, [min(linear.values())], **linear))


async def _seconds(bench: Bench, sleeper: Path, workers: int) -> float:
    """For twice as many jobs as there are workers, all waiting when the clock starts."""
    settings = {"MARQUEE_FFMPEG": str(sleeper), "MARQUEE_CONVERTER_SLOTS": "1"}
    sources = await films.short_films(bench, EACH * workers)
    async with AsyncExitStack() as stack:
        product = await stack.enter_async_context(bench.stage.product(**settings))
        for _ in range(workers - 1):
            await stack.enter_async_context(product.place.running("converter-worker", **settings))
        client = product.client
        assets = await asyncio.gather(*map(client.upload, sources))
        began = time.perf_counter()
        await asyncio.gather(*(client.completed(each["id"], within=600) for each in assets))
        return time.perf_counter() - began
