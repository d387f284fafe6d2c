"""The dashboards: what Grafana takes, legible, and every panel's question answerable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from deploy.check import promql, schema
from deploy.check.finding import Finding


def findings(dashboards: Path) -> Iterator[Finding]:
    """Everything amiss in a directory of dashboards."""
    seen: dict[str, str] = {}
    files = sorted(dashboards.glob("*.json"))
    if not files:
        yield Finding(dashboards.name, "has no dashboards")
    for file in files:
        try:
            dashboard = json.loads(file.read_text("utf-8"))
        except ValueError as error:
            yield Finding(file.name, f"is no JSON: {error}")
            continue
        for complaint in _dashboard(dashboard):
            yield Finding(file.name, complaint)
        uid = str(dashboard.get("uid"))
        if uid in seen:
            yield Finding(file.name, f"has the uid of {seen[uid]}")
        seen[uid] = file.name


def _dashboard(dashboard: dict[str, Any]) -> Iterator[str]:
    wrong = list(schema.violations("Dashboard", dashboard))
    yield from wrong
    if wrong:
        return
    panels = dashboard["panels"]
    yield from _layout(panels)
    for panel in panels:
        for target in panel.get("targets", []):
            for complaint in promql.complaints(target["expr"]):
                yield f"{panel['title']}: {complaint}"
        if panel["type"] != "row" and "unit" not in panel["fieldConfig"]["defaults"]:
            yield f"{panel['title']}: has no unit"


def _layout(panels: Sequence[dict[str, Any]]) -> Iterator[str]:
    ids = [panel["id"] for panel in panels]
    if len(set(ids)) != len(ids):
        yield "two panels have the same id"
    for one, other in combinations(panels, 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']} lies over {other['title']}"
    for panel in panels:
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            yield f"{panel['title']} is wider than the page"


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )
