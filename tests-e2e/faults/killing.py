"""The kill loop: services, workers, broker and database, one after the other, at random.

In rounds: work as usual, kills, work as usual, then every invariant. A victim is chosen only among
those that are up, and comes back as its orchestrator would bring it back; the next kill does not
wait for that.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

from faults.fault import Fault, Length, Scene, Verdict, judge
from faults.load import Crew
from faults.supervisor import Member

ROUND = 100
PAUSE = (0.1, 1.6)
"""Seconds between two kills."""

CALM = 10.0
"""Seconds of work as usual before and after each round."""

_BROKER, _DATABASE = "broker", "database"
_WEIGHTS = {_BROKER: 0.2, _DATABASE: 0.5}
"""How often, if a service is killed once; a broker takes seconds to start."""


@dataclass
class Toll:
    """Who was killed how often, and how long it took them to be back; calls a second."""

    kills: Counter[str] = field(default_factory=Counter)
    back: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The figures, for people."""
        found = [
            line for each in self.verdicts if not each.ok for line in each.verdict.splitlines()
        ]
        lost = sum(1 for line in found if line.startswith("I1"))
        twice = sum(1 for line in found if line.startswith("I2"))
        healed = [each.recovery_seconds or 0.0 for each in self.verdicts]
        ratio = mean(self.after) / mean(self.before)
        return [
            f"kills survived: {self.kills.total()} ({_listed(self.kills)})",
            f"lost: {lost}; twice: {twice}; other violations: {len(found) - lost - twice}",
            f"back after: median {median(self.back):.2f} s, longest {max(self.back):.2f} s",
            f"work seen whole after a round: median {median(healed):.2f} s, "
            f"longest {max(healed):.2f} s",
            f"calls a second: {mean(self.before):.1f} before, {mean(self.after):.1f} after "
            f"({ratio:.2f})",
        ]


async def kill(crew: Crew, seed: int, kills: int) -> Toll:
    """So many kills, in rounds; prints a line a round."""
    toll = Toll()
    number = 0
    while toll.kills.total() < kills:
        number += 1
        planned = min(ROUND, kills - toll.kills.total())

        async def round_(scene: Scene, planned: int = planned) -> None:
            await _round(scene, toll, planned)

        fault = Fault(f"K{number}", f"{planned} random kills", round_)
        verdict = await judge(fault, crew, seed, length=Length.FULL)
        print(verdict.line(), flush=True)
        toll.verdicts.append(verdict)
    return toll


async def _round(scene: Scene, toll: Toll, kills: int) -> None:
    toll.before.append(await _rate(scene))
    returning: dict[str, asyncio.Task[None]] = {}
    try:
        for _ in range(kills):
            victim = await _victim(scene, returning)
            toll.kills[victim] += 1
            returning[victim] = asyncio.create_task(_timed(toll, _strike(scene, victim)))
            await asyncio.sleep(scene.random.uniform(*PAUSE))
    finally:
        async with asyncio.timeout(120):
            await asyncio.gather(*returning.values())
            await scene.site.up()
    toll.after.append(await _rate(scene))


async def _rate(scene: Scene) -> float:
    """Calls a second that succeed, in a while of calm."""
    began, done = time.monotonic(), scene.load.succeeded()
    await asyncio.sleep(CALM)
    return (scene.load.succeeded() - done) / (time.monotonic() - began)


async def _victim(scene: Scene, returning: dict[str, asyncio.Task[None]]) -> str:
    """Somebody who is up; waits for one if nobody is."""
    while True:
        up = [
            name
            for name in (*scene.site.members, *_WEIGHTS)
            if name not in returning or returning[name].done()
        ]
        if up:
            weights = [_WEIGHTS.get(name, 1.0) for name in up]
            return scene.random.choices(up, weights)[0]
        await asyncio.sleep(0.05)


async def _strike(scene: Scene, victim: str) -> None:
    """Kill it, and wait until it is back."""
    if victim == _BROKER:
        await scene.site.broker.kill()
        await scene.site.broker.start()
    elif victim == _DATABASE:
        await _kill_database(scene)
    else:
        await _kill_member(scene.site.members[victim])


async def _kill_member(member: Member) -> None:
    await member.kill()
    await member.up(within=120)


async def _kill_database(scene: Scene) -> None:
    pid = scene.site.postgres.pid
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    while scene.site.postgres.pid in (pid, None):
        await asyncio.sleep(0.02)


async def _timed(toll: Toll, strike: Coroutine[Any, Any, None]) -> None:
    began = time.monotonic()
    await strike
    toll.back.append(time.monotonic() - began)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
