"""What a session that ended still opens here: nothing, and what it opened is closed."""

from __future__ import annotations

from uuid import uuid4

from aiohttp import WSMsgType

from services.gateway.tests.house import House
from shared.testing.identity import SESSION

USERS = "/api/admin/users"


async def test_a_session_told_of_opens_nothing_from_then_on(house: House) -> None:
    headers = house.bearer()
    assert (await house.client.get(USERS, headers=headers)).status == 200
    await house.hear_of_end(SESSION)
    answer = await house.client.get(USERS, headers=headers)
    assert (answer.status, (await answer.json())["code"]) == (401, "invalid_token")


async def test_requests_add_no_question(house: House) -> None:
    for _ in range(20):
        assert (await house.client.get(USERS, headers=house.bearer())).status == 200
    assert house.registry.asked == 1


async def test_open_sockets_of_a_session_that_ends_are_closed(house: House) -> None:
    other = str(uuid4())
    async with (
        house.client.ws_connect("/ws", headers=house.bearer(), autoclose=False) as socket,
        house.client.ws_connect("/ws", headers=house.bearer(sid=other)) as stays,
    ):
        for each in (socket, stays):
            await each.receive(timeout=5)
        await house.hear_of_end(SESSION)
        told = await socket.receive(timeout=5)
        assert (told.type, told.data) == (WSMsgType.CLOSE, 4001)
        await socket.close()
        await stays.send_str("still here")
        assert await stays.receive_str(timeout=5) == "still here"
