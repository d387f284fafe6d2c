"""What a row's file is given: the stage, a furnished house, and the way to measure in turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.figures import Figure, Pairs
from benchmarks.house import House
from benchmarks.stage import Stage

T = TypeVar("T")

PAIRS, PAIRS_OF_LONG = 5, 3
"""How often ours and the baseline are measured in turn; the second where a pair takes over 30 s."""


@dataclass
class Bench:
    """One run. A ``quick`` one tries the benchmarks themselves; its figures mean nothing."""

    stage: Stage
    directory: Path
    stack: AsyncExitStack
    quick: bool = False
    clip: Path | None = None
    figures: list[Figure] = field(default_factory=list)
    _house: House | None = None

    def size(self, full: int, quick: int) -> int:
        """How much to do."""
        return quick if self.quick else full

    async def house(self) -> House:
        """The product that benchmarks share; started when one first asks."""
        if self._house is None:
            product = await self.stack.enter_async_context(self.stage.product())
            self._house = House(product, self.directory)
        return self._house

    async def pairs(
        self,
        ours: Callable[[], Awaitable[T]],
        bare: Callable[[], Awaitable[T]],
        *,
        pairs: int = PAIRS,
        warm: bool = True,
    ) -> Pairs[T]:
        """Measure A B A B ... after one of each to warm up, unless there is nothing to warm."""
        if warm:
            await ours()
            await bare()
        found = [(await ours(), await bare()) for _ in range(self.size(pairs, 2))]
        return Pairs([a for a, _ in found], [b for _, b in found])

    async def times(self, measure: Callable[[], Awaitable[T]], *, times: int = PAIRS) -> list[T]:
        """Measure what has no baseline as often, after one to warm up."""
        await measure()
        return [await measure() for _ in range(self.size(times, 2))]

    def report(self, figure: Figure) -> None:
        """Add a line to the table."""
        self.figures.append(figure)
        print(f"  {figure}", flush=True)
