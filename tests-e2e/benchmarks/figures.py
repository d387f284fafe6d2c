"""Figures: what was measured, beside its baseline and the target that it has to meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """What a figure must be: at most or at least a bound, itself or as a ratio to its baseline."""

    unit: str
    sense: Literal["<=", ">="]
    bound: float
    as_ratio: bool = False

    def __str__(self) -> str:
        return f"{self.sense} {self.bound:g}{' x' if self.as_ratio else f' {self.unit}'}"

    def met(self, value: float, ratio: float | None) -> bool:
        """Whether a figure is on the right side of the bound."""
        found = ratio if self.as_ratio else value
        if found is None:
            return False
        return found <= self.bound if self.sense == "<=" else found >= self.bound


Targets = Mapping[str, Target]
"""What a row's file has to say of each of its figures."""


def at_most(bound: float, unit: str) -> Target:
    """The figure itself has a ceiling."""
    return Target(unit, "<=", bound)


def at_least(bound: float, unit: str) -> Target:
    """The figure itself has a floor."""
    return Target(unit, ">=", bound)


def times_at_most(bound: float, unit: str) -> Target:
    """The figure is at most so many times its baseline."""
    return Target(unit, "<=", bound, as_ratio=True)


def times_at_least(bound: float, unit: str) -> Target:
    """The figure is at least so many times its baseline."""
    return Target(unit, ">=", bound, as_ratio=True)


@dataclass(frozen=True)
class Pairs(Generic[T]):
    """What ours and the baseline gave, in turn."""

    ours: Sequence[T]
    bare: Sequence[T]


@dataclass(frozen=True)
class Figure:
    """A line of the table. Medians; ``lowest`` and ``highest`` are of the ratios, if there are.

    ``notes`` are further figures, for whoever wants to know why.
    """

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    target: str
    ok: bool
    lowest: float
    highest: float
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f", {self.ratio:.2f} x of {self.baseline:,.4g}"
        verdict = "met" if self.ok else "MISSED"
        return f"{self.name}: {self.value:,.4g} {self.unit}{ratio}; {self.target}: {verdict}"

    def as_json(self) -> dict[str, Any]:
        """The figure as ``results.json`` has it."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def alone(name: str, targets: Targets, values: Sequence[float], **notes: Any) -> Figure:
    """A figure that has no baseline."""
    target, value = targets[name], median(values)
    ok = target.met(value, None)
    return Figure(
        name, value, target.unit, None, None, str(target), ok, min(values), max(values), notes
    )


def compared(
    name: str, targets: Targets, pairs: Pairs[T], of: Callable[[T], float], **notes: Any
) -> Figure:
    """A figure and its baseline; the ratio is the median of the pairs' ratios."""
    target = targets[name]
    ours, bare = [of(each) for each in pairs.ours], [of(each) for each in pairs.bare]
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    value, baseline, ratio = median(ours), median(bare), median(ratios)
    ok = target.met(value, ratio)
    return Figure(
        *(name, value, target.unit, baseline, ratio, str(target), ok),
        *(min(ratios), max(ratios), notes),
    )
