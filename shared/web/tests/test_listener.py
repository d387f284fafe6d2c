"""What is no HTTP is answered like every other bad input, and nothing of it is repeated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from shared.web.application import application
from shared.web.listener import Runner
from shared.web.tests.conftest import things

SECRET = b"Bearer " + b"eyJ" * 5000


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    runner = Runner(application("things", [things], seal=None), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: " + SECRET + b"\r\n\r\n",
        b"GET /" + SECRET.replace(b" ", b"") + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_problem(port: int, request_bytes: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with capture_logs() as logs:
        writer.write(request_bytes)
        async with asyncio.timeout(5):
            answer = await reader.read()
    writer.close()

    head, _, body = answer.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert b" 400 " in head.splitlines()[0]
    assert b"application/problem+json" in head
    assert (problem["status"], problem["code"]) == (400, "invalid_input")
    assert {"type", "title", "detail", "instance", "trace_id"} <= set(problem)
    assert b"eyJ" not in answer
    assert "eyJ" not in str(logs)


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes) -> None:
    """However slowly it goes on coming."""
    app = application("things", [things], seal=None)
    runner = Runner(app, access_log=None, keepalive_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])

    async def drip() -> None:
        while sent:
            writer.write(b"a")
            await asyncio.sleep(0.1)

    writer.write(sent)
    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    dripping.cancel()
    writer.close()
    await runner.cleanup()


async def test_a_request_in_order_is_served(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(5):
        assert b" 200 " in (await reader.read()).splitlines()[0]
    writer.close()
