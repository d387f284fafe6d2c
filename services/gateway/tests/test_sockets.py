"""The WebSocket passes both ways, with its close codes, for those who are signed in."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from services.gateway import sockets
from services.gateway.tests.house import KEYS, House
from services.gateway.tests.stand_ins import CLOSED
from shared.web.actor import ActorSeal


async def test_messages_pass_both_ways(house: House) -> None:
    async with house.client.ws_connect("/ws", headers=house.bearer(role="user")) as socket:
        assert await socket.receive_str(timeout=5) == "hello"
        await socket.send_str("é" * 5000)
        assert await socket.receive_str(timeout=5) == "é" * 5000
        await socket.send_bytes(b"\x00\xff")
        assert await socket.receive_bytes(timeout=5) == b"\x00\xff"


async def test_the_notifier_learns_when_the_session_ends(house: House) -> None:
    ends = int(time.time()) + 28_800
    async with house.client.ws_connect("/ws", headers=house.bearer(exp=ends)) as socket:
        await socket.receive(timeout=5)
    seal = ActorSeal(KEYS.derive("internal-actor"), time.time)
    assert seal.verify(house.seen[-1].headers["X-Actor"]).expires == ends


async def test_nobody_is_refused_before_the_upgrade(house: House) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await house.client.ws_connect("/ws")
    assert refused.value.status == 401
    answer = await house.client.get("/ws")
    assert (await answer.json())["code"] == "unauthenticated"


async def test_a_plain_get_is_told_what_to_speak(house: House) -> None:
    assert (await house.client.get("/ws", headers=house.bearer())).status == 400


async def test_a_query_the_notifier_does_not_understand_is_the_clients_mistake(
    house: House,
) -> None:
    headers = house.bearer() | {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = await house.client.get("/ws?since=yesterday", headers=headers)
    assert (answer.status, (await answer.json())["code"]) == (400, "invalid_input")


async def test_who_has_too_many_open_is_told_so(house: House) -> None:
    headers = house.bearer() | {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = await house.client.get("/ws?crowded", headers=headers)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert (await answer.json())["code"] == "too_many_sockets"


async def test_a_notifier_that_is_down_is_503(house: House, nowhere: str) -> None:
    house.peers["notifier"] = nowhere
    with pytest.raises(WSServerHandshakeError) as refused:
        await house.client.ws_connect("/ws", headers=house.bearer())
    assert refused.value.status == 503


@pytest.mark.parametrize("code", [1000, 1001, 4001, 4008])
async def test_the_close_code_of_the_notifier_arrives(house: House, code: int) -> None:
    async with house.client.ws_connect("/ws", headers=house.bearer(), autoclose=False) as socket:
        await socket.receive(timeout=5)
        await socket.send_str(f"close {code} because")
        told = await socket.receive(timeout=5)
    assert (told.type, told.data, told.extra) == (WSMsgType.CLOSE, code, "because")


async def test_a_notifier_that_vanishes_is_a_restart(house: House) -> None:
    async with house.client.ws_connect("/ws", headers=house.bearer()) as socket:
        await socket.receive(timeout=5)
        await socket.send_str("vanish")
        await socket.receive(timeout=5)
    assert socket.close_code == 1001


async def test_the_close_code_of_the_client_arrives(house: House) -> None:
    async with house.client.ws_connect("/ws", headers=house.bearer()) as socket:
        await socket.receive(timeout=5)
        await socket.close(code=4321)
    assert await _closed_behind(house) == 4321


async def test_a_message_too_long_ends_the_connection(house: House) -> None:
    async with house.client.ws_connect("/ws", headers=house.bearer()) as socket:
        await socket.receive(timeout=5)
        await socket.send_str("x" * 16_385)
        await socket.receive(timeout=5)
    assert socket.close_code == 1009


async def _closed_behind(house: House) -> int | None:
    async with asyncio.timeout(5):
        while not house.behind["notifier"][CLOSED]:
            await asyncio.sleep(0.01)
    return house.behind["notifier"][CLOSED][0]


async def test_a_restart_of_the_gateway_is_told(house: House) -> None:
    async with house.client.ws_connect("/ws", headers=house.bearer()) as socket:
        await socket.receive(timeout=5)
        closing = asyncio.create_task(house.client.server.close())
        await socket.receive(timeout=5)
        await closing
    assert socket.close_code == 1001


async def test_a_client_that_reads_nothing_is_cut_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes no close frame either, and what waits for it must not wait for ever."""
    monkeypatch.setattr(sockets, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(sockets, "CLOSE_SECONDS", 0.2)
    ended = asyncio.Event()
    connected = house.client.server.handler.connection_lost

    def lost(*args: Any) -> None:
        connected(*args)
        ended.set()

    monkeypatch.setattr(house.client.server.handler, "connection_lost", lost)
    async with house.client.ws_connect("/ws", headers=house.bearer()) as socket:
        await socket.receive(timeout=5)
        assert socket._conn
        assert socket._conn.transport
        socket._conn.transport.pause_reading()
        await socket.send_str("flood")
        async with asyncio.timeout(5):
            await ended.wait()
        socket._conn.transport.abort()
