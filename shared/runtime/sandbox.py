"""Runs a program on hostile input: confined as far as the host allows, and gone when told.

The child has no network, no environment, no files but its working directory, an account of its
own when we are root, and limits; see ``confine`` for how. What the host refuses is reported once,
by a warning and a gauge. The child and all its offspring are one process group, which ends when
the program ends, when its time is over, when the caller is cancelled, or when we die.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Gauge

from shared.runtime.launcher import Launcher

log = structlog.get_logger()

ACCOUNT = 60_778
"""A uid of its own, outside the ranges of Debian and systemd; "nobody" is shared with others."""

MECHANISMS = {
    "network": ("namespace", "seccomp"),
    "files": ("account", "landlock"),
    "syscalls": ("seccomp",),
}
"""What each protection needs: any one of these."""

PROTECTION = Gauge(
    "marquee_sandbox_protection",
    "1 if the host grants this protection to programs that read uploaded files",
    ["protection"],
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings of one child: address space and largest file in bytes, CPU time in seconds."""

    memory: int
    cpu_seconds: int
    file_bytes: int
    open_files: int = 64
    processes: int = 4096

    def order(self, *, own_account: bool) -> dict[str, int]:
        """By the names of ``setrlimit``; processes are counted per account, so only in our own."""
        limits = {
            "CORE": 0,
            "AS": self.memory,
            "CPU": self.cpu_seconds,
            "FSIZE": self.file_bytes,
            "NOFILE": self.open_files,
        }
        return limits | ({"NPROC": self.processes} if own_account else {})


@dataclass(frozen=True, slots=True)
class Program:
    """An executable file and its arguments."""

    path: Path
    arguments: Sequence[str]

    def order(self) -> dict[str, Any]:
        """What the launcher needs to become it."""
        return {"program": str(self.path), "argv": [self.path.name, *self.arguments]}


@dataclass(frozen=True, slots=True)
class Module:
    """A Python module of ours whose ``main(arguments)`` runs confined, its imports unconfined."""

    name: str
    arguments: Sequence[str] = ()

    def order(self) -> dict[str, Any]:
        """What the launcher needs to run it."""
        return {"module": self.name, "argv": list(self.arguments)}


@dataclass(frozen=True, slots=True)
class Finished:
    """How it ended: ``status`` is the exit code, or minus the signal; the tails of its output."""

    status: int
    timed_out: bool
    output: bytes
    log: str


@dataclass(slots=True)
class _Tail:
    """The last bytes of a stream, however long it is."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)

    def __call__(self, chunk: bytes) -> None:
        self.kept += chunk
        if len(self.kept) > 2 * self.limit:
            del self.kept[: -self.limit]

    def content(self) -> bytes:
        return bytes(self.kept[-self.limit :])


class Sandbox:
    """Starts confined children. One for a process; ``inspect`` it before the first run.

    ``modules`` are those that children will run again and again: they are kept imported.
    """

    def __init__(self, *modules: str, account: int = ACCOUNT) -> None:
        self._account = account if os.geteuid() == 0 else None
        self._launcher = Launcher(modules)

    async def close(self) -> None:
        """End whatever still runs."""
        self._launcher.close()

    async def inspect(self, directory: Path) -> frozenset[str]:
        """Try what the host grants; return, log and export the protections it does not."""
        limits = Limits(memory=1 << 30, cpu_seconds=5, file_bytes=0)
        finished = await self._run({}, directory, limits, seconds=10)
        granted = set(finished.output.decode().split()) if finished.status == 0 else set()
        missing = {name for name, any_of in MECHANISMS.items() if not granted & {*any_of}}
        for name in MECHANISMS:
            PROTECTION.labels(name).set(name not in missing)
        if missing:
            log.warning("sandbox_degraded", missing=sorted(missing), granted=sorted(granted))
        return frozenset(missing)

    def hand_over(self, directory: Path) -> None:
        """Give a directory to the confined account, and to nobody else."""
        directory.chmod(0o700)
        if self._account is not None:
            os.chown(directory, self._account, self._account)

    def show(self, path: Path) -> None:
        """Let the confined account read a file or a directory, but not write; nobody else."""
        path.chmod(0o750 if path.is_dir() else 0o640)
        if self._account is not None:
            os.chown(path, -1, self._account)

    async def run(
        self,
        program: Program | Module,
        directory: Path,
        limits: Limits,
        *,
        seconds: float,
        on_output: Callable[[bytes], None] | None = None,
        on_errors: Callable[[bytes], None] | None = None,
        grace: float = 2.0,
    ) -> Finished:
        """Run it in ``directory`` for at most ``seconds``, then TERM, and KILL after ``grace``.

        File names must be relative to the directory: the account may not be able to enter what
        lies above it. ``on_output`` sees all of the standard output and ``on_errors`` all of the
        error output; the result keeps the last 64 KiB of each.
        """
        return await self._run(
            program.order(),
            directory,
            limits,
            seconds=seconds,
            on_output=on_output,
            on_errors=on_errors,
            grace=grace,
        )

    async def _run(
        self,
        order: dict[str, Any],
        directory: Path,
        limits: Limits,
        *,
        seconds: float,
        on_output: Callable[[bytes], None] | None = None,
        on_errors: Callable[[bytes], None] | None = None,
        grace: float = 2.0,
    ) -> Finished:
        output, errors = _Tail(65536), _Tail(65536)
        with contextlib.ExitStack() as pipes:
            out = pipes.enter_context(_Pipe((output, on_output) if on_output else (output,)))
            err = pipes.enter_context(_Pipe((errors, on_errors) if on_errors else (errors,)))
            leader = self._start(order, directory, limits, out, err)
            family = _Family(leader, self._launcher)
            out.close_writer()
            err.close_writer()
            try:
                timed_out = not await family.ended(seconds)
            finally:
                status = await asyncio.shield(family.end(grace))
            out.drain()
            err.drain()
        text = errors.content().decode(errors="replace")
        return Finished(status, timed_out, output.content(), text)

    def _start(
        self, order: dict[str, Any], directory: Path, limits: Limits, out: _Pipe, err: _Pipe
    ) -> int:
        """Start the child; return its process id."""
        confined = {
            "directory": str(directory.absolute()),
            "uid": self._account,
            "limits": limits.order(own_account=self._account is not None),
        }
        return self._launcher.start(order | confined, out.writer, err.writer)


class _Family:
    """A child that leads a process group. It stays a zombie, its id taken, until ``end``."""

    def __init__(self, leader: int, launcher: Launcher) -> None:
        self._leader = leader
        self._launcher = launcher
        self._loop = asyncio.get_running_loop()
        self._exited = asyncio.Event()
        self._pidfd = os.pidfd_open(leader)
        self._loop.add_reader(self._pidfd, self._exited.set)

    async def ended(self, seconds: float) -> bool:
        """Wait for the leader; False if it did not exit in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._exited.wait()
        except TimeoutError:
            return False
        return True

    async def end(self, grace: float) -> int:
        """Leave no member alive; return the leader's status."""
        try:
            if not self._exited.is_set():
                self._signal(signal.SIGTERM)
                await self.ended(grace)
            self._signal(signal.SIGKILL)
            await self._exited.wait()
        finally:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
        return self._launcher.ended(self._leader)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._leader, number)


class _Pipe:
    """The reading end of a child's output, emptied as it fills, whoever still holds the other."""

    def __init__(self, sinks: Sequence[Callable[[bytes], None]]) -> None:
        self._sinks = sinks
        self._loop = asyncio.get_running_loop()
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)

    def __enter__(self) -> _Pipe:
        self._loop.add_reader(self._reader, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        self.close_writer()
        self._loop.remove_reader(self._reader)
        os.close(self._reader)

    def close_writer(self) -> None:
        """Leave the writing end to the child alone."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def drain(self) -> None:
        """Take what is left, without waiting for an end that may never come."""
        while self._read():
            pass

    def _read(self) -> bool:
        try:
            chunk = os.read(self._reader, 65536)
        except BlockingIOError:
            return False
        if not chunk:
            self._loop.remove_reader(self._reader)
            return False
        for sink in self._sinks:
            sink(chunk)
        return True
