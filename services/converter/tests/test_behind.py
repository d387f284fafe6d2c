"""Work that trails behind: in order, one at a time, and never forgotten."""

from __future__ import annotations

import asyncio
import threading

import pytest

from services.converter.behind import Behind, in_thread


class Pieces:
    """Notes what was begun and done; a piece is done when it may be."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.may = asyncio.Event()

    async def work(self, piece: str, *, fails: bool = False) -> None:
        self.begun.append(piece)
        await self.may.wait()
        if fails:
            raise ValueError(piece)
        self.done.append(piece)


async def test_the_block_goes_on_while_one_piece_is_worked_on() -> None:
    pieces = Pieces()
    async with Behind() as behind:
        await behind.give(pieces.work("a"))
        await asyncio.sleep(0)
        assert (pieces.begun, pieces.done) == (["a"], [])
        pieces.may.set()
        await behind.give(pieces.work("b"))
        assert pieces.done == ["a"]
    assert pieces.done == ["a", "b"]


async def test_a_piece_that_fails_interrupts_the_block() -> None:
    pieces = Pieces()
    pieces.may.set()
    with pytest.raises(ValueError, match="a"):
        async with Behind() as behind:
            await behind.give(pieces.work("a", fails=True))
            await asyncio.Event().wait()
    await asyncio.sleep(0)  # and nothing of the interruption is left


async def test_after_a_piece_that_failed_no_other_is_begun() -> None:
    pieces = Pieces()
    pieces.may.set()
    with pytest.raises(ValueError, match="a"):
        async with Behind() as behind:
            await behind.give(pieces.work("a", fails=True))
            await behind.give(pieces.work("b"))
    assert pieces.begun == ["a"]


async def test_what_the_last_piece_raises_comes_at_the_end() -> None:
    pieces = Pieces()
    pieces.may.set()
    with pytest.raises(ValueError, match="a"):
        async with Behind() as behind:
            await behind.give(pieces.work("a", fails=True))


async def test_a_block_that_fails_lets_the_last_piece_finish() -> None:
    pieces = Pieces()
    asyncio.get_running_loop().call_later(0.01, pieces.may.set)
    with pytest.raises(LookupError):
        async with Behind() as behind:
            await behind.give(pieces.work("a"))
            raise LookupError
    assert pieces.done == ["a"]


async def test_what_the_block_raises_comes_before_what_its_piece_does() -> None:
    pieces = Pieces()
    asyncio.get_running_loop().call_later(0.01, pieces.may.set)
    with pytest.raises(LookupError):
        async with Behind() as behind:
            await behind.give(pieces.work("a", fails=True))
            await asyncio.sleep(0)
            raise LookupError


async def test_a_cancelled_block_cancels_its_piece() -> None:
    pieces = Pieces()

    async def block() -> None:
        async with Behind() as behind:
            await behind.give(pieces.work("a"))
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (pieces.begun, pieces.done) == (["a"], [])


async def test_a_thread_is_not_left_when_its_caller_is_cancelled() -> None:
    may, done = threading.Event(), []

    def work(piece: str) -> None:
        may.wait(10)
        done.append(piece)

    task = asyncio.create_task(in_thread(work, "a"))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    may.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["a"]
