"""``python -m benchmarks [row ...]``: measure, print the table, and write ``results.json``.

``BENCH`` names rows as well, with commas; ``BENCH_CLIP`` is the clip to convert instead of a
generated one; with ``BENCH_QUICK=1`` everything is small, to try the benchmarks themselves.
``--document`` measures nothing: it writes the last results into ``docs/performance.md``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType

import structlog

from benchmarks import document, rows, table
from benchmarks.bench import Bench
from benchmarks.stage import staged

RESULTS = Path(__file__).with_name("results.json")


async def _run(modules: Sequence[ModuleType]) -> list[str]:
    quick, clip = os.environ.get("BENCH_QUICK") == "1", os.environ.get("BENCH_CLIP")
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="marquee-bench-", dir="/tmp") as place:
        async with AsyncExitStack() as stack:
            stage = await stack.enter_async_context(staged(Path(place)))
            bench = Bench(stage, Path(place), stack, quick, Path(clip) if clip else None)
            for module in modules:
                began = time.monotonic()
                print(f"{module.__name__} ...", flush=True)
                try:
                    await module.measure(bench)
                except Exception:
                    failed.append(module.__name__)
                    traceback.print_exc()
                print(f"  took {time.monotonic() - began:.0f} s", flush=True)
                _keep(bench)
    table.show(bench.figures, quick=quick)
    return failed


def _keep(bench: Bench) -> None:
    """Written after each row, so that an interrupted run has what it measured."""
    mark = {"quick": True} if bench.quick else {}
    figures = [each.as_json() | mark for each in bench.figures]
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n")


def main() -> None:
    """Measure the rows named on the command line or in ``BENCH``, or all of them."""
    if sys.argv[1:] == ["--document"]:
        document.write(RESULTS)
        return
    names = sys.argv[1:] or [name for name in os.environ.get("BENCH", "").split(",") if name]
    try:
        chosen = rows.chosen(names)
    except LookupError as error:
        sys.exit(f"bench: {error}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if failed := asyncio.run(_run(chosen)):
        sys.exit(f"bench: {', '.join(failed)} could not be measured")


if __name__ == "__main__":
    main()
