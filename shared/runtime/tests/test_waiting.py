"""A process that waits for a part says so, and goes on as soon as it is there."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from shared.runtime import waiting
from shared.runtime.waiting import WaitingRoom
from shared.testing.rabbit import free_ports


class Door:
    """A part that cannot be had until somebody opens it."""

    def __init__(self) -> None:
        self.open = False
        self.knocks = 0

    async def knock(self) -> str:
        self.knocks += 1
        if not self.open:
            raise ConnectionRefusedError("nobody there")
        return "come in"


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.01)
    return Door()


async def test_it_says_what_it_waits_for_until_it_comes(door: Door) -> None:
    (port,) = free_ports(1)
    room = WaitingRoom([("127.0.0.1", port)])
    waits = asyncio.create_task(room.until("database", door.knock, while_raising=(OSError,)))
    async with asyncio.timeout(20), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        while door.knocks < 3:
            await asyncio.sleep(0.01)

        async with http.get("/livez") as answer:
            assert answer.status == 200
        async with http.get("/readyz") as answer:
            assert answer.status == 503
            assert await answer.json() == {"status": "starting", "down": ["database"]}
        async with http.post("/api/admin/assets/bulk-assign", json={}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")

        door.open = True
        assert await waits == "come in"
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get("/livez")


async def test_what_is_there_is_not_waited_for(door: Door) -> None:
    door.open = True
    nowhere = WaitingRoom([("203.0.113.1", 1)])  # cannot be listened on

    assert await nowhere.until("database", door.knock, while_raising=(OSError,)) == "come in"


async def test_another_mistake_ends_the_wait(door: Door) -> None:
    async def mistaken() -> None:
        await door.knock() if door.knocks == 0 else int("none")

    with pytest.raises(ValueError, match="none"):
        await WaitingRoom([]).until("database", mistaken, while_raising=(OSError,))
