"""What a fault is, and how one is run: load, injection, healing, waiting, checking."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from random import Random
from typing import TypeVar

from faults import ledger
from faults.checker import violations
from faults.invariants import Evidence
from faults.load import Crew, Load, crewed
from faults.site import Site, built

T = TypeVar("T")

_MOST_LINES, _LONGEST_LINE = 12, 300

_HASTE, _LONGEST = 300.0, 1800.0
"""Seconds after which a fault that has not ended does not hold."""

WARM = 12
"""Calls that succeed before anything is broken."""


class Length(IntEnum):
    """How long a fault lasts, how often it comes, how much there is of it.

    ``QUICK`` shows it within a test run, ``USUAL`` in about a minute, and ``FULL`` is the measure
    of the matrix.
    """

    QUICK = 0
    USUAL = 1
    FULL = 2


class FoundOut(Exception):
    """Something does not hold, and that is all there was to know."""


@dataclass
class Scene:
    """What a fault is given: everything that runs, and where to write down what it finds.

    If ``hasty``, the first thing that does not hold ends it: see ``judge``.
    """

    site: Site
    crew: Crew
    load: Load
    random: Random
    length: Length
    hasty: bool = False
    poison: int = 0
    recovered: float | None = None
    notes: list[str] = field(default_factory=list)

    def much(self, quick: T, usual: T, full: T | None = None) -> T:
        """As much as its length asks for; of what is never too much, the usual is all."""
        if self.length is Length.QUICK:
            return quick
        return usual if self.length is Length.USUAL or full is None else full

    def expect(self, holds: bool, otherwise: str) -> None:
        """Write down what does not hold; the fault goes on, and is healed."""
        if not holds:
            self.notes.append(otherwise)
            if self.hasty:
                raise FoundOut


Inject = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """``inject`` breaks something under load and heals it; it may leave ``scene.recovered``.

    Its docstring names the mechanism that survives it.
    """

    id: str
    name: str
    inject: Inject
    quick: bool = False


@dataclass(frozen=True)
class Verdict:
    """``recovery_seconds`` from healing until what was then asked for was done and told."""

    id: str
    name: str
    ok: bool
    verdict: str
    recovery_seconds: float | None
    seed: int
    seconds: float

    def line(self) -> str:
        """For people."""
        recovery = "" if self.recovery_seconds is None else f"{self.recovery_seconds:.1f} s"
        said = "holds" if self.ok else "DOES NOT HOLD"
        head = f"{self.id:4} {said:14} {recovery:>8}  {self.name} ({self.seconds:.0f} s)"
        found = [] if self.ok else self.verdict.splitlines()
        return "\n".join([head, *(f"     {each}" for each in found)])


@asynccontextmanager
async def ready(directory: Path, seed: int, mutation: str | None = None) -> AsyncIterator[Crew]:
    """A site with its crew, to be broken. ``mutation`` is what it shall be helpless against."""
    async with built(directory, mutation) as site:
        await ledger.watch_versions(site)
        async with crewed(site, Random(seed)) as crew:
            yield crew


async def judge(
    fault: Fault, crew: Crew, seed: int, *, length: Length = Length.QUICK, hasty: bool = False
) -> Verdict:
    """Run one fault, and say whether it holds.

    If ``hasty``, leave a site behind that nobody wants any more once something does not.
    """
    began = time.monotonic()
    recovered, found = None, list[str]()
    random = Random(f"{seed} {fault.id}")
    try:
        async with asyncio.timeout(_HASTE if hasty else _LONGEST):  # who never ends does not hold
            recovered, found = await _run(fault, crew, random, length, hasty=hasty)
    except Exception as error:
        found = [_told(error)]
    said = "\n".join(each[:_LONGEST_LINE] for each in found[:_MOST_LINES])
    if len(found) > _MOST_LINES:
        said += f"\nand {len(found) - _MOST_LINES} more"
    return Verdict(
        id=fault.id,
        name=fault.name,
        ok=not found,
        verdict=said or "holds",
        recovery_seconds=None if recovered is None else round(recovered, 2),
        seed=seed,
        seconds=time.monotonic() - began,
    )


def _told(error: Exception) -> str:
    """What it was, and the last place of ours on its way."""
    steps = traceback.extract_tb(error.__traceback__)
    last = [step for step in steps if "/faults/" in step.filename][-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"


async def _run(
    fault: Fault, crew: Crew, random: Random, length: Length, *, hasty: bool
) -> tuple[float | None, list[str]]:
    since = time.time()
    async with crew.working(fault.id, random) as load:
        await load.busy(WARM)
        scene = Scene(crew.site, crew, load, random, length, hasty)
        try:
            await fault.inject(scene)
        except FoundOut:
            pass
        except Exception as error:  # the next fault shall find everybody with an answer
            scene.notes.append(_told(error))
        if hasty and scene.notes:
            return None, scene.notes
        healed = time.time()
        recovery = await load.well_again(healed)
        await load.finish()
        async with ledger.opened(crew.site) as books:
            await books.settled()
            seen = Evidence(load, books, since, scene.poison)
            found = [*scene.notes, *await violations(seen)]
            await books.forget_parked()
    return scene.recovered if scene.recovered is not None else recovery, found
