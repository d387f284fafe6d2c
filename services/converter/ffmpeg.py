"""Runs one ffmpeg command, confined, and tells how it went."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.converter.domain.progress import fraction_of
from services.converter.domain.recipes import Command
from services.converter.domain.retry import Failure
from shared.runtime.sandbox import Limits, Program, Sandbox

WALL_CLOCK = 600.0
"""Seconds an attempt may take, all its commands together."""

LARGEST_OUTPUT = 4 * 2**30

_LAST_LINES = 5
"""Of the log, in the error: ffmpeg tells the cause first, and the consequences after it."""

_GRACE = 0.5  # what is ended early is thrown away, so there is nothing to finish


class ConversionFailed(Exception):
    """A command did not end well; ``log`` is the tail of what ffmpeg wrote."""

    def __init__(self, failure: Failure, log: str = "") -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.log = log


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """The binary, and the sandbox it runs in."""

    binary: Path
    sandbox: Sandbox

    async def run(
        self,
        command: Command,
        directory: Path,
        *,
        seconds: float = WALL_CLOCK,
        on_fraction: Callable[[float], None] = lambda _: None,
        on_log: Callable[[bytes], None] = lambda _: None,
    ) -> str:
        """Run to the end within ``seconds``; return the log's end. Raises ConversionFailed.

        ``on_log`` sees all of the log.
        """
        finished = await self.sandbox.run(
            Program(self.binary, command.arguments),
            directory,
            _limits(seconds),
            seconds=seconds,
            grace=_GRACE,
            on_output=_ProgressReader(command.seconds, on_fraction),
            on_errors=on_log,
        )
        if finished.timed_out:
            raise ConversionFailed(
                Failure("timeout", "The conversion took too long."), finished.log
            )
        if finished.status != 0:
            raise ConversionFailed(_failure(finished.status, finished.log), finished.log)
        return finished.log


class _ProgressReader:
    """Takes chunks of the ``-progress`` report, calls back with fractions."""

    def __init__(self, expected: float | None, on_fraction: Callable[[float], None]) -> None:
        self._expected = expected
        self._on_fraction = on_fraction
        self._rest = b""

    def __call__(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._rest = self._rest[-1024:]
        for line in lines:
            fraction = fraction_of(line.decode(errors="replace"), self._expected)
            if fraction is not None:
                self._on_fraction(fraction)


def _limits(seconds: float) -> Limits:
    """Generous to encoders, whose threads reserve more address space than they use."""
    cores = os.cpu_count() or 1
    return Limits(
        memory=4 * 2**30 + cores * 256 * 2**20,
        cpu_seconds=int(seconds * cores) + 1,
        file_bytes=LARGEST_OUTPUT,
    )


def _failure(status: int, log: str) -> Failure:
    lines = [line for line in log.splitlines() if line.strip()]
    last = "\n".join(line.strip() for line in lines[-_LAST_LINES:])[-1000:] or "no message"
    ending = f"signal {-status}" if status < 0 else f"status {status}"
    return Failure("ffmpeg_failed", f"ffmpeg ended with {ending}: {last}")
