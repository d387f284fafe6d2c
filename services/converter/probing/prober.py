"""Asks the confined child, and does not wait for ever."""

from __future__ import annotations

import json
from pathlib import Path

import structlog

from services.converter.domain.probe import Probe
from shared.runtime.sandbox import Limits, Module, Sandbox

log = structlog.get_logger()

CHILD = Module("services.converter.probing.child")
DEEP_CHILD = Module("services.converter.probing.child", ("decode",))
LIMITS = Limits(memory=3 * 2**30, cpu_seconds=20, file_bytes=0, processes=128)


class Prober:
    """Reads the facts of ``input.mp4`` in a directory that was handed to the sandbox."""

    def __init__(self, sandbox: Sandbox, *, budget: float = 0.8, deep_budget: float = 20.0) -> None:
        self._sandbox = sandbox
        self._budget = budget
        self._deep_budget = deep_budget

    async def glance(self, directory: Path) -> Probe | None:
        """The facts, or None if they cannot be had within the budget (0.8 s)."""
        return await self._ask(CHILD, directory, self._budget)

    async def examine(self, directory: Path) -> Probe | None:
        """The facts with ``decodes``, or None if the file is too much for the child."""
        return await self._ask(DEEP_CHILD, directory, self._deep_budget)

    async def _ask(self, child: Module, directory: Path, seconds: float) -> Probe | None:
        finished = await self._sandbox.run(child, directory, LIMITS, seconds=seconds, grace=0)
        if finished.status == 0:
            return Probe.of_json(json.loads(finished.output))
        log.warning(
            "probe_failed",
            status=finished.status,
            timed_out=finished.timed_out,
            log=finished.log[-500:],
        )
        return None
