"""Shows how far uploads and conversions are: bars on a terminal, else a line for each step."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from services.cli import words
from services.cli.client import Client, Json, identifier
from services.cli.output import say

_POLL = 0.5  # seconds between two questions how far conversions are
ENDED = ("completed", "failed")


@dataclass
class Bars:
    """Bars that live while the block runs; without a terminal they say nothing."""

    columns: Sequence[ProgressColumn]
    _progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            *self.columns,
            console=Console(stderr=True, markup=False, highlight=False, emoji=False),
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def add(self, name: str, total: int) -> Bar:
        """A bar more."""
        return Bar(self._progress, self._progress.add_task(words.plain(name), total=total))


@dataclass(frozen=True)
class Bar:
    """One bar."""

    progress: Progress
    task: TaskID

    def begin(self, done: int) -> None:
        """Begin at a place, which is not counted into the speed."""
        self.progress.reset(self.task, completed=done)

    def move(self, done: int) -> None:
        """Move to a place, forwards or back."""
        self.progress.update(self.task, completed=done)


def uploads() -> Bars:
    """Bars of bytes, with their speed and the time left."""
    return Bars([DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()])


def follow(client: Client, assets: Sequence[Json]) -> list[Json]:
    """Wait until conversions have ended, well or not, and show how far they are meanwhile."""
    latest = {asset["id"]: asset for asset in assets}
    with Bars([TimeElapsedColumn()]) as bars:
        shown = {ident: bars.add(asset["filename"], 100) for ident, asset in latest.items()}
        for ident, asset in latest.items():
            shown[ident].move(asset["progress"])
        while under_way := [i for i, a in latest.items() if a["conversion_status"] not in ENDED]:
            for ident in under_way:
                asset = client.get(f"/api/admin/assets/{identifier(ident)}")
                _tell(latest[ident], asset)
                latest[ident] = asset
                shown[ident].move(asset["progress"])
            time.sleep(_POLL)
    return list(latest.values())


def _tell(before: Json, now: Json) -> None:
    if before["conversion_status"] == now["conversion_status"]:
        return
    why = f": {now['conversion_error']}" if now["conversion_error"] else ""
    say(f"{now['filename']}: {now['conversion_status']}{why}")
