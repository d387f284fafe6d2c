"""How far a conversion is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` and ``total`` are sums of weights; ``current`` is the weight of what runs now."""

    total: int
    done: int = 0
    current: int = 0

    def percent(self, fraction: float) -> int:
        """Percent of all the work when ``fraction`` of the current one is done; 100 at the end."""
        share = self.done + self.current * min(max(fraction, 0.0), 1.0)
        whole = int(100 * share / self.total) if self.total else 100
        return whole if self.done == self.total else min(whole, 99)


def fraction_of(line: str, expected_seconds: float | None) -> float | None:
    """Read a line of ffmpeg's ``-progress`` report: how much of the output is written."""
    key, _, value = line.strip().partition("=")
    if key == "progress" and value == "end":
        return 1.0
    if key != "out_time_us" or not expected_seconds or not value.isdigit():
        return None
    return min(int(value) / 1e6 / expected_seconds, 1.0)
