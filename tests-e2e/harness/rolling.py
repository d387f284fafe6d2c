"""Replaces a fleet's processes one by one, as a rolling update does.

Before each service is a line that leads where new connections shall go, as a Service of Kubernetes
does: the successor is ready before its predecessor is asked to stop.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from harness.cli import Line, line_to
from harness.fleet import SERVICES, Parts, environment_of
from harness.launch import ROOT, Process, launched

NAMES = ("converter-worker", "identity", "assignment", "gateway", "audit", "converter", "notifier")
"""All that runs, in the order in which it is replaced: each side meets the other's two versions."""


def previous(directory: Path) -> Path:
    """The sources of the version that OLD names (a tag or a commit), else this version's own."""
    old = os.environ.get("OLD")
    if not old:
        return ROOT
    directory.mkdir()
    archive = directory.with_suffix(".tar")
    subprocess.run(["git", "archive", "--output", archive, old], cwd=ROOT, check=True)
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", directory], check=True)
    return directory


@dataclass
class Rolling:
    """A fleet whose processes can be replaced."""

    directory: Path
    common: dict[str, str]
    lines: dict[str, Line]
    stack: AsyncExitStack
    running: dict[str, Process] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        """Where the gateway is, whichever it is just now."""
        return self.lines["gateway"].url

    async def start(self, name: str, root: Path) -> Process | None:
        """Start a process, and lead whoever comes to it; the one that was there before."""
        home = self.directory / f"{name}-{next(self._numbers)}"
        environment = {"MARQUEE_SERVICE_PORT": "0", "MARQUEE_DATA_DIR": str(home)}
        process = await self.stack.enter_async_context(
            launched(
                name,
                log=home.with_suffix(".log"),
                environment=self.common | environment,
                root=root,
            )
        )
        if name in self.lines:
            self.lines[name].target = process.url
        before = self.running.get(name)
        self.running[name] = process
        return before

    async def replace(self, name: str, root: Path) -> None:
        """Put another in the place of a process, which is then asked to stop."""
        before = await self.start(name, root)
        assert before
        assert await before.stop() == 0

    async def migrate(self, root: Path) -> None:
        """What is done before a new version: bring the schemas up to date."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("MARQUEE_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", "migrate"), cwd=root, env=kept | self.common
        )
        async with asyncio.timeout(120):
            assert await process.wait() == 0


@asynccontextmanager
async def rolling(parts: Parts, directory: Path, root: Path) -> AsyncIterator[Rolling]:
    """A fleet that runs the sources in ``root``."""
    directory.mkdir()
    async with AsyncExitStack() as stack:
        lines = {
            name: await stack.enter_async_context(line_to("http://127.0.0.1:9"))
            for name in (*SERVICES, "gateway")
        }
        urls = {name: lines[name].url for name in SERVICES}
        fleet = Rolling(directory, environment_of(parts, urls), lines, stack)
        await asyncio.gather(*(fleet.start(name, root) for name in NAMES))
        yield fleet
