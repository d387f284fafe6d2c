"""All invariants, once nothing is under way any more."""

from __future__ import annotations

from faults.convergence import health, leaks, listeners, queues, trail, versions
from faults.invariants import (
    Evidence,
    Found,
    announced,
    answers,
    conversions,
    holdings,
    operations,
    users,
)
from harness.waiting import eventually

ALL = (
    answers,
    users,
    operations,
    holdings,
    conversions,
    announced,
    trail,
    versions,
    queues,
    leaks,
    health,
    listeners,
)

_CATCH_UP = 15.0
"""Seconds for what is told after its commit: frames on their way, a directory being removed."""


async def violations(seen: Evidence) -> Found:
    """What does not hold; what is about to come is waited for."""
    found: Found = []

    async def whole() -> None:
        found.clear()
        for invariant in ALL:
            found.extend(await invariant(seen))
        assert not found

    try:
        await eventually(whole, within=_CATCH_UP)
    except AssertionError:
        return found
    return []
