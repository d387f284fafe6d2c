"""Side by side: to the end of all, or of none."""

from __future__ import annotations

import asyncio

import pytest

from services.converter.lanes import side_by_side


async def test_all_lanes_are_at_their_end() -> None:
    ended: list[int] = []
    first = asyncio.Event()

    async def lane(number: int) -> None:
        await first.wait() if number == 0 else first.set()
        ended.append(number)

    await side_by_side(lane(0), lane(1))
    assert ended == [1, 0]


async def test_the_first_error_ends_the_others() -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    async def failing() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await side_by_side(endless(), failing())
    assert ended == ["endless"]


async def test_the_cancelled_leave_nothing_running() -> None:
    ended: list[int] = []

    async def endless(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    task = asyncio.create_task(side_by_side(endless(0), endless(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [0, 1]
