"""Starts the product's processes as an operator would, and looks at what they leave behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

READY = b"Marquee is ready at "


@dataclass
class Process:
    """A ``python -m services`` with its address; its log is kept in a file."""

    process: asyncio.subprocess.Process
    url: str
    log: Path

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    async def kill(self) -> None:
        """``kill -9``: nothing of it gets to say goodbye."""
        self.process.kill()
        await self.process.wait()

    async def stop(self, *, within: float = 15) -> int:
        """SIGTERM; return the exit code. Fails if it takes longer than the contract allows."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(within):
            return await self.process.wait()


@asynccontextmanager
async def launched(
    *names: str,
    log: Path,
    environment: Mapping[str, str],
    within: float = 60,
    program: str = "services",
    root: Path = ROOT,
) -> AsyncIterator[Process]:
    """Run services in a process of their own until the block ends; by force if need be.

    ``program`` is another module that runs them, ``root`` another tree of sources.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MARQUEE_")}
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", program, *names),
            cwd=root,
            env=kept | dict(environment),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield Process(process, await _ready(process, log, within), log)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(process: asyncio.subprocess.Process, log: Path, within: float) -> str:
    assert process.stdout is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            async for line in process.stdout:
                if line.startswith(READY):
                    return line.removeprefix(READY).decode().strip()
    raise AssertionError(f"it never got ready: {log.read_text()[-4000:]}")


def working_in(directory: Path) -> set[int]:
    """The processes, but for this one, whose current directory lies in ``directory``."""
    return {pid for pid in _pids() if _cwd(pid).is_relative_to(directory) and pid != os.getpid()}


def children_of(parent: int) -> set[int]:
    """The process ids of everything a process has started, and so on down."""
    parents = {pid: _parent(pid) for pid in _pids()}
    found: set[int] = set()
    while more := {p for p, up in parents.items() if up in found | {parent}} - found:
        found |= more
    return found


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _cwd(pid: int) -> Path:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return Path("/nowhere")


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
