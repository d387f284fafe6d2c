"""Waiting for a fact that is on its way, no longer than the refusal allows."""

from __future__ import annotations

import pytest

from shared.contracts.refusal import Refusal
from shared.web import patiently


class NotYet(Refusal):
    code = "not_yet"
    status = 404
    title = "Not yet"


class Watch:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


async def test_what_appears_in_time_is_found() -> None:
    watch, attempts = Watch(), 0

    async def attempt() -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise NotYet("wait", patience=2.0)
        return "here"

    assert await patiently(attempt, sleep=watch.sleep, now=watch.now) == "here"
    assert watch.slept == [0.025, 0.05, 0.1]


async def test_patience_ends_with_one_last_attempt() -> None:
    watch = Watch()
    asked: list[float] = []

    async def attempt() -> None:
        asked.append(watch.time)
        raise NotYet("wait", patience=0.3)

    with pytest.raises(NotYet):
        await patiently(attempt, sleep=watch.sleep, now=watch.now)
    assert asked[-1] == pytest.approx(100.3)
    assert max(watch.slept) <= 0.1


async def test_a_final_refusal_is_not_repeated() -> None:
    watch = Watch()

    async def attempt() -> None:
        raise NotYet("never")

    with pytest.raises(NotYet):
        await patiently(attempt, sleep=watch.sleep, now=watch.now)
    assert watch.slept == []
