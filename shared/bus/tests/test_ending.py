"""Tasks end, also those that do not hear it the first time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from shared.bus.ending import end


async def _deaf(times: int) -> None:
    """Swallow so many cancellations."""
    for _ in range(times):
        with suppress(asyncio.CancelledError):
            await asyncio.Future()
    await asyncio.Future()


async def _begun(times: int) -> asyncio.Task[None]:
    task = asyncio.create_task(_deaf(times))
    await asyncio.sleep(0)
    return task


async def test_a_task_that_is_cancelled_ends_at_once() -> None:
    task = await _begun(0)
    await end([task], again=60, patience=60)
    assert task.cancelled()


async def test_a_task_that_did_not_hear_it_is_asked_again() -> None:
    tasks = [await _begun(times) for times in (0, 1, 3)]
    await end(tasks, again=0.01, patience=60)
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_never_hears_it_is_left_behind() -> None:
    task = await _begun(1000)
    await end([task], again=0.01, patience=0.05)
    assert not task.done()
    await end([task], again=0, patience=60)


async def test_how_a_task_ended_does_not_matter() -> None:
    async def failing() -> None:
        raise ValueError

    failed = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await end([failed, await _begun(0)])
    await end([])
    assert failed.exception() is not None
