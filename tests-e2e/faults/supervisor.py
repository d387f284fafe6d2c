"""Keeps the services running as an orchestrator would: whoever ends is started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from faults.failpoints import ARMED, CLOCK, MUTATED
from harness.launch import READY, ROOT
from shared.bus.ending import end
from shared.db.unprivileged import leave_with

RESTART_SECONDS = 0.1


@dataclass(eq=False)
class Running:
    """One life of a service."""

    pid: int
    output: asyncio.StreamReader
    ended: asyncio.Future[int]

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if not self.ended.done():
            os.kill(self.pid, number)

    async def ready(self) -> str | None:
        """Where it listens, once it does; None if it ended before."""
        async for line in self.output:
            if line.startswith(READY):
                return line.removeprefix(READY).decode().strip()
        return None


class Zygote:
    """The process that the services are forked from. Start it from the main thread."""

    def __init__(self, log: Path, mutation: str | None = None) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._control = ours
        self._loop = asyncio.get_running_loop()
        self._starting: dict[str, asyncio.Future[tuple[int, asyncio.Future[int]]]] = {}
        self._ended: dict[int, asyncio.Future[int]] = {}
        with theirs, log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "faults.zygote", str(theirs.fileno())],
                cwd=ROOT,
                env={**_own(), **({MUTATED: mutation} if mutation else {})},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
                preexec_fn=leave_with(os.getpid(), signal.SIGKILL),  # noqa: PLW1509
            )
        self._listening = asyncio.create_task(self._listen())

    async def start(
        self, name: str, services: Sequence[str], environment: dict[str, str], log: Path
    ) -> Running:
        """Fork into a service."""
        order = {"name": name, "services": list(services), "environment": environment}
        started = self._starting[name] = self._loop.create_future()
        read, write = os.pipe()
        with log.open("ab") as errors:
            told = json.dumps(order).encode()
            socket.send_fds(self._control, [told], [write, errors.fileno()])
        os.close(write)
        output = asyncio.StreamReader()
        await self._loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(read, "rb")
        )
        pid, ended = await started
        return Running(pid, output, ended)

    async def close(self) -> None:
        """End it, and with it whatever still runs."""
        await end([self._listening])
        self._control.close()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    async def _listen(self) -> None:
        """The zygote tells of a beginning before the end, and pids come again."""
        while message := await self._loop.sock_recv(self._control, 4096):
            told = json.loads(message)
            if "started" in told:
                ended = self._ended[told["pid"]] = self._loop.create_future()
                starting = self._starting.pop(told["started"])
                if not starting.done():  # nobody wants it any more
                    starting.set_result((told["pid"], ended))
            else:
                self._ended.pop(told["ended"]).set_result(told["code"])


@dataclass(eq=False)
class Member:
    """A service that is kept running; ``codes`` are the exit codes of its earlier lives."""

    name: str
    services: Sequence[str]
    environment: dict[str, str]
    home: Path
    zygote: Zygote
    codes: list[int] = field(default_factory=list)
    url: str = ""
    process: Running | None = None
    _up: asyncio.Event = field(default_factory=asyncio.Event)
    _free: asyncio.Event = field(default_factory=asyncio.Event)
    _keeper: asyncio.Task[None] | None = None

    @property
    def log(self) -> Path:
        """What it has written in all its lives."""
        return self.home.with_suffix(".log")

    @property
    def pid(self) -> int:
        """Of its present life. Raises AssertionError between two."""
        assert self.process is not None, f"{self.name} is not running"
        return self.process.pid

    @property
    def life(self) -> int | None:
        """The number of its present life, while it is up."""
        return len(self.codes) if self._up.is_set() else None

    def start(self) -> None:
        """Run it from now on."""
        self.armed.mkdir(parents=True, exist_ok=True)
        self._free.set()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep-{self.name}")

    async def up(self, *, within: float = 60) -> None:
        """Wait until it has said that it is ready. Raises TimeoutError."""
        async with asyncio.timeout(within):
            await self._up.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its present life, if it has one; after SIGTERM it is not up."""
        if number is signal.SIGTERM:
            self._up.clear()
        if self.process:
            self.process.send(number)

    async def kill(self) -> None:
        """``kill -9``, and wait until it is gone; it comes back by itself."""
        if self.process:
            ended = self.process.ended
            self.process.send(signal.SIGKILL)
            await asyncio.shield(ended)
            self._up.clear()

    async def restart(self, **settings: str) -> None:
        """``kill -9``, and wait until it is up again, now with these settings as well."""
        self.environment.update(settings)
        await self.kill()
        await self.up()

    async def stay_down(self) -> None:
        """``kill -9``, and no other life until ``come_back``."""
        self._free.clear()
        await self.kill()

    def come_back(self) -> None:
        """Start again."""
        self._free.set()

    async def end(self, *, within: float = 20) -> None:
        """SIGTERM, and no other life."""
        if self._keeper:
            await end([self._keeper])
        if self.process and not self.process.ended.done():
            self.process.send(signal.SIGTERM)
            try:
                await asyncio.wait_for(asyncio.shield(self.process.ended), within)
            except TimeoutError:
                self.process.send(signal.SIGKILL)

    def arm(self, point: str) -> None:
        """Let it die the next time it comes to a failpoint."""
        (self.armed / point).touch()

    def fired(self, point: str) -> bool:
        """Whether it did."""
        return not (self.armed / point).exists()

    def set_clock(self, time: datetime | float | None) -> None:
        """Let its clocks stand still at a moment, or be wrong by seconds, or be right again."""
        file = self.armed / CLOCK
        if time is None:
            file.unlink(missing_ok=True)
            return
        new = self.home / CLOCK
        new.write_text(time.isoformat() if isinstance(time, datetime) else str(time))
        new.rename(file)

    def disarm(self) -> None:
        """Let it live after all."""
        for armed in self.armed.iterdir():
            armed.unlink(missing_ok=True)

    @property
    def armed(self) -> Path:
        """Where its armed failpoints are."""
        return self.home / "armed"

    async def _keep(self) -> None:
        while True:
            await self._free.wait()
            environment = {**self.environment, ARMED: str(self.armed)}
            process = await self.zygote.start(self.name, self.services, environment, self.log)
            self.process = process
            if url := await process.ready():
                self.url = url
                self._up.set()
            self.codes.append(await asyncio.shield(process.ended))
            self._up.clear()
            await asyncio.sleep(RESTART_SECONDS)


def _own() -> dict[str, str]:
    """Our environment, without settings of the product."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MARQUEE_")}
    return kept | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests-e2e'}"}
