"""How a WebSocket ends, and what that leaves behind; and who is too slow for it."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import WSMsgType

from services.notifier import sockets
from services.notifier.tests.replicas import ANNA, Ears, Replica, completed, offsets
from shared.testing.databases import Databases


class TestTheEnd:
    """How a socket ends, and what that leaves behind."""

    async def test_an_expired_session(self, replica: Replica) -> None:
        ears = await replica.connect(seconds=0.3)
        await ears.subscribe("assets")
        assert await ears.close_code() == 4001

    async def test_a_restart(self, replica: Replica) -> None:
        listeners = [await replica.connect() for _ in range(3)]
        closing = asyncio.create_task(replica.hub.close())
        for ears in listeners:
            assert await ears.close_code() == 1001
        await closing

    @pytest.mark.parametrize(
        ("error", "code"),
        [(ConnectionRefusedError("no database"), 1013), (ValueError("bug"), 1011)],
    )
    async def test_trouble_of_ours(
        self, replica: Replica, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
    ) -> None:
        async def fail(tenant: str) -> None:
            raise error

        ears = await replica.connect()
        monkeypatch.setattr(replica.hub, "stream", fail)
        await ears.ws.send_json({"action": "subscribe", "topics": ["assets"]})
        assert await ears.close_code() == code

    async def test_leaves_nothing_behind(self, replica: Replica) -> None:
        ears = await replica.connect()
        await ears.subscribe("assets", f"user:{ANNA}")
        await ears.ws.close()
        async with asyncio.timeout(5):
            while replica.hub._audiences:
                await asyncio.sleep(0.01)

    async def test_a_numbering_that_began_anew(self, replica: Replica, opened: Databases) -> None:
        await replica.consume(completed(), completed())
        ears = await replica.connect()
        await opened.as_admin("delete from notifier.events")
        await opened.as_admin("update notifier.streams set last_offset = 1")
        assert await ears.close_code() == 1001
        again = await replica.connect(f"?since=2&epoch={ears.hello['epoch']}")
        assert again.hello["recovered"] is False


async def stuck(replica: Replica) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A listener that follows everything and stops reading after the answer."""
    server = replica.client.server
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**12)
    headers = {
        "Host": "x",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        **replica.headers(),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    asked = b'{"action":"subscribe","topics":["assets","operations"]}'
    writer.write(bytes((0x81, 0x80 | len(asked), 0, 0, 0, 0)) + asked)
    await reader.readuntil(b'"subscribed"')
    return reader, writer


async def wait_until_alone(replica: Replica, ears: Ears) -> None:
    """Until nobody else listens."""
    async with asyncio.timeout(20):
        while len(replica.hub._audiences["default"].sockets) > 1:
            await asyncio.sleep(0.01)


async def test_a_listener_that_stops_reading_is_closed_while_others_go_on(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "BEHIND_SECONDS", 0.2)
    monkeypatch.setattr(sockets, "CLOSING_SECONDS", 0.2)
    codes: list[int] = []
    end = sockets.Socket.end

    def noted(self: sockets.Socket, code: int, reason: str) -> asyncio.Task[bool]:
        codes.append(code)
        return end(self, code, reason)

    monkeypatch.setattr(sockets.Socket, "end", noted)
    ears = await replica.connect()
    await ears.subscribe("operations")
    _, writer = await stuck(replica)
    rounds = 0
    while not codes:
        rounds += 1
        assert rounds < 60, "a listener that does not read was never closed"
        await replica.consume(*(completed() for _ in range(200)))
        heard = await ears.take(200)
        assert offsets(heard) == list(range(rounds * 200 - 199, rounds * 200 + 1))
    await wait_until_alone(replica, ears)
    assert set(codes) == {4008}
    await replica.consume(completed())
    assert (await ears.next())["offset"] == rounds * 200 + 1
    writer.close()


async def test_a_burst_is_no_reason_to_close(replica: Replica) -> None:
    ears = await replica.connect()
    await ears.subscribe("operations")
    for _ in range(20):
        await replica.consume(*(completed() for _ in range(200)))
    assert offsets(await ears.take(4000)) == list(range(1, 4001))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
async def test_frames_of_any_size_are_read_back(replica: Replica, size: int) -> None:
    ears = await replica.connect()
    (socket,) = replica.hub._audiences["default"].sockets
    socket.push(sockets.text_frame(b"x" * size))
    message = await ears.ws.receive(timeout=5)
    assert (message.type, message.data) == (WSMsgType.TEXT, "x" * size)
