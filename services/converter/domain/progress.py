"""How far a conversion is."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.converter import Rendition


class Progress:
    """Of renditions that are made side by side, each with the weight of its work."""

    def __init__(self, weights: Mapping[Rendition, int]) -> None:
        self._weights = weights
        self._fractions: dict[Rendition, float] = dict.fromkeys(weights, 0.0)
        self._missing = list(weights)

    def note(self, rendition: Rendition, fraction: float) -> None:
        """So much of a rendition, 0 to 1, is made."""
        self._fractions[rendition] = min(max(fraction, 0.0), 1.0)

    def finish(self, rendition: Rendition) -> None:
        """It is there, however it came."""
        self.note(rendition, 1.0)
        self._missing.remove(rendition)

    @property
    def percent(self) -> int:
        """Of all the work; 100 only once everything is there."""
        if not self._missing:
            return 100
        done = sum(weight * self._fractions[each] for each, weight in self._weights.items())
        return min(int(100 * done / sum(self._weights.values())), 99)

    @property
    def stage(self) -> Rendition | None:
        """What people wait for next: the first that is not there; None at the end."""
        return self._missing[0] if self._missing else None


def fraction_of(line: str, expected_seconds: float | None) -> float | None:
    """Read a line of ffmpeg's ``-progress`` report: how much of the output is written."""
    key, _, value = line.strip().partition("=")
    if key == "progress" and value == "end":
        return 1.0
    if key != "out_time_us" or not expected_seconds or not value.isdigit():
        return None
    return min(int(value) / 1e6 / expected_seconds, 1.0)
