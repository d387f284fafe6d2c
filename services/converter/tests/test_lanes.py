"""Lanes: in order, so many at a time, and what becomes of the others when one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.converter.lanes import in_lanes


class Kitchen:
    """Pieces of work that end when they are told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self._ends: dict[int, asyncio.Future[None]] = {}

    def piece(self, number: int) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            self.begun.append(number)
            self._ends[number] = asyncio.get_running_loop().create_future()
            try:
                await self._ends[number]
            finally:
                self.ended.append(number)

        return work

    async def end(self, number: int, error: Exception | None = None) -> None:
        if error is None:
            self._ends[number].set_result(None)
        else:
            self._ends[number].set_exception(error)
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


async def started(kitchen: Kitchen, pieces: int) -> asyncio.Task[None]:
    task = asyncio.create_task(in_lanes(2, map(kitchen.piece, range(pieces))))
    await settle()
    return task


async def test_the_next_begins_when_a_lane_is_free(kitchen: Kitchen) -> None:
    task = await started(kitchen, 4)
    assert kitchen.begun == [0, 1]
    await kitchen.end(1)
    assert kitchen.begun == [0, 1, 2]
    await kitchen.end(2)
    await kitchen.end(0)
    assert kitchen.begun == [0, 1, 2, 3]
    assert not task.done()
    await kitchen.end(3)
    await task


async def test_after_a_failure_none_begins_and_those_under_way_are_finished(
    kitchen: Kitchen,
) -> None:
    task = await started(kitchen, 4)
    await kitchen.end(0, ValueError("the first"))
    assert not task.done()
    await kitchen.end(1, OSError("the second"))
    with pytest.raises(ValueError, match="the first"):
        await task
    assert kitchen.begun == [0, 1]


async def test_the_cancelled_leave_nothing_running(kitchen: Kitchen) -> None:
    task = await started(kitchen, 4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(kitchen.ended) == [0, 1]
    assert kitchen.begun == [0, 1]


async def test_there_may_be_less_work_than_lanes(kitchen: Kitchen) -> None:
    await in_lanes(2, ())
    task = await started(kitchen, 1)
    await kitchen.end(0)
    await task
