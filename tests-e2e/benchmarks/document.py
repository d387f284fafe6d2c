"""``python -m benchmarks --document``: the figures of the last run, as a section of the docs."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
HEADING = "\n## Results\n"
_HEAD = (
    "| figure | measured | baseline | ratio (lowest-highest) | target | |\n"
    "|---|---|---|---|---|---|"
)


def write(results: Path) -> None:
    """Put what was measured in place of what the page says. Raises ValueError for a mere trial."""
    figures: list[dict[str, Any]] = json.loads(results.read_text())
    if any(each.get("quick") for each in figures):
        raise ValueError("this was a quick run, whose figures mean nothing")
    measured = datetime.fromtimestamp(results.stat().st_mtime, UTC).date()
    section = f"\nMeasured on {measured}, on {machine()}.\n\n{table(figures)}\n"
    before, heading, after = PAGE.read_text().partition(HEADING)
    following = after.find("\n## ")
    rest = after[following:] if following >= 0 else ""
    PAGE.write_text(before + heading + section + rest)


def table(figures: Sequence[Mapping[str, Any]]) -> str:
    """The figures as a table in Markdown, a line each."""
    return "\n".join([_HEAD, *map(_line, figures)])


def machine() -> str:
    """What it is measured on, in a few words."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}) with {memory:.0f} GiB of memory, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _line(figure: Mapping[str, Any]) -> str:
    ratio, baseline = figure["ratio"], figure["baseline"]
    cells = (
        f"`{figure['name']}`",
        f"{figure['value']:,.4g} {figure['unit']}",
        "" if baseline is None else f"{baseline:,.4g}",
        "" if ratio is None else f"{ratio:.2f} ({figure['lowest']:.2f}-{figure['highest']:.2f})",
        figure["target"],
        "met" if figure["ok"] else "**missed**",
    )
    return f"| {' | '.join(cells)} |"
