"""Requests and answers pass through whole, large ones as a stream, and what is not admitted not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError

from services.gateway import incoming
from services.gateway.tests.house import House, open_house
from services.gateway.tests.stand_ins import ASSET_ID, COUNTED, GATE

MEGABYTE = bytes(2**20)


@pytest.fixture(params=["apart", "near"])
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """The services behind connections, and then in the gateway's own process."""
    async with open_house(tmp_path, near=request.param == "near") as house:
        yield house


@pytest.fixture
async def apart(tmp_path: Path) -> AsyncIterator[House]:
    """Where a service can be away though the gateway is not."""
    async with open_house(tmp_path) as house:
        yield house


async def test_path_query_and_body_pass_byte_by_byte(house: House) -> None:
    path = "/api/admin/users?query=a%2Fb%20c+d&x=%C3%A9&&y"
    status, _ = await _raw_get(house, path)
    assert (status, house.seen[-1].raw_path) == (200, path)
    answer = await house.client.post("/api/admin/users", json={"n": "é"}, headers=house.bearer())
    assert (await answer.json())["body"] == '{"n": "\\u00e9"}'
    assert answer.headers["X-From"] == "behind"
    assert "X-Private" not in answer.headers


async def test_an_idempotency_key_is_passed_on(house: House) -> None:
    sent = house.bearer() | {"Idempotency-Key": "key-1"}
    await house.client.post("/api/admin/users", json={}, headers=sent)
    assert house.seen[-1].headers.getall("Idempotency-Key") == ["key-1"]


async def test_a_compressed_body_is_unpacked_on_the_way(house: House) -> None:
    answer = await house.client.post(
        "/api/admin/users", data=b'{"a": 1}', headers=house.bearer(), compress="gzip"
    )
    assert (await answer.json())["body"] == '{"a": 1}'


@pytest.mark.parametrize(
    "path",
    [
        f"/internal/assets/{ASSET_ID}/state",
        "/api/admin/users/a/b",
        "/nowhere",
        "//livez",
        "/api/admin/users/a%2Fb/c",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/docs/index.html",
    ],
)
async def test_what_is_not_admitted_is_not_there(house: House, path: str) -> None:
    status, body = await _raw_get(house, path)
    assert status == 404, body
    assert house.seen == []


async def test_a_path_cannot_climb(house: House) -> None:
    for ident in ("..", "%2e%2e", "..%2F..%2Finternal%2Fassets", "x%2F..%2Fy"):
        status, body = await _raw_get(house, f"/api/admin/assets/{ident}")
        assert status == 400, body
    assert all("/internal" not in each.raw_path for each in house.seen)


@pytest.mark.parametrize("path", ["/api/admin/users", f"/api/admin/assets/{ASSET_ID}"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_body_that_is_not_passed_on_does_not_swallow_the_next_request(
    house: House, path: str, method: str
) -> None:
    """A length without its bytes would be filled from somebody else's request."""
    for _ in range(3):
        answer = await house.client.request(method, path, data=b"hello", headers=house.bearer())
        assert answer.status == 200
        answer = await house.client.get(path, headers=house.bearer())
        assert answer.status == 200, await answer.text()
    assert all("Content-Length" not in each.headers for each in house.seen)


async def test_absolute_targets_stay_inside(house: House) -> None:
    status, _ = await _raw_get(house, "http://elsewhere.example/api/admin/users?a=b")
    assert status == 200
    assert house.seen[-1].raw_path == "/api/admin/users?a=b"


async def _raw_get(house: House, target: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(house.client.host, house.client.port)
    authorization = house.bearer()["Authorization"]
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
    writer.write(f"{head}{authorization}\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return int(answer.split()[1]), answer


async def test_head_answers_like_get_without_the_body(house: House) -> None:
    answer = await house.client.head("/api/admin/users", headers=house.bearer())
    assert answer.status == 200
    assert int(answer.headers["Content-Length"]) > 0
    assert await answer.read() == b""


async def test_a_service_that_is_down_is_503_and_named(apart: House, nowhere: str) -> None:
    apart.peers["assignment"] = nowhere
    path = f"/api/admin/assets/{ASSET_ID}/assign"
    answer = await apart.client.post(path, json={}, headers=apart.bearer())
    told = await answer.json()
    assert (answer.status, told["code"], told["part"]) == (503, "unavailable", "assignment")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_an_answer_that_breaks_off_breaks_off(apart: House) -> None:
    """Once an answer has begun it can only be cut; one that was not begun is a 503."""
    large = await apart.client.get("/api/admin/audit?length=100000", headers=apart.bearer())
    with pytest.raises(ClientError):
        await large.read()
    small = await apart.client.get("/api/admin/audit?length=1000", headers=apart.bearer())
    assert small.status == 503


async def test_a_connection_found_closed_is_replaced_for_a_get(apart: House) -> None:
    """A kept connection may end just when it is used again."""
    asked = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.close()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    apart.peers["audit"] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        for _ in range(2):
            answer = await apart.client.get("/api/admin/audit", headers=apart.bearer())
            assert answer.status == 200
    assert asked == 3


async def test_the_headers_of_tus_pass_and_anybody_may_ask_for_options(house: House) -> None:
    told = {"Tus-Resumable": "1.0.0", "Upload-Offset": "7", "Upload-Checksum": "md5 AA=="}
    answer = await house.client.options("/api/admin/uploads", headers=told)
    assert answer.status == 200
    assert told.items() <= (await answer.json())["headers"].items()


async def test_downloads_stream(house: House) -> None:
    url = "/api/admin/assets?megabytes=20"
    async with house.client.get(url, headers=house.bearer()) as answer:
        size = 0
        async for chunk in answer.content.iter_any():
            size += len(chunk)
    assert size == answer.content_length == 20 * 2**20


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/admin/assets"), ("PATCH", f"/api/admin/uploads/{ASSET_ID}")],
)
async def test_an_upload_is_held_back_where_the_service_is_slow(
    house: House, method: str, path: str
) -> None:
    """Nothing is kept between the client and the service but what sockets hold."""
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            yield MEGABYTE
            sent += len(MEGABYTE)

    converter = house.behind["converter"]
    uploading = asyncio.create_task(
        _status(house.client.request(method, f"{path}?gate=1", data=body(), headers=house.bearer()))
    )
    await _until_still(lambda: sent)
    assert converter[COUNTED][0] <= 2**20
    assert sent < 40 * 2**20
    converter[GATE].set()
    assert await uploading == (201, {"size": 100 * 2**20})


async def _until_still(value: Any) -> None:
    """Wait until a value has not changed for a quarter of a second."""
    async with asyncio.timeout(20):
        last = None
        while value() != last or not last:
            last = value()
            await asyncio.sleep(0.25)


async def _status(asking: Any) -> tuple[int, Any]:
    async with asyncio.timeout(60), asking as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize("announced", [True, False])
async def test_an_upload_refused_early_is_told_so(house: House, announced: bool) -> None:
    """The refusal arrives, although the client is still sending."""

    async def body() -> AsyncIterator[bytes]:
        for _ in range(60):
            yield MEGABYTE

    headers = house.bearer() | ({"Content-Length": str(60 * 2**20)} if announced else {})
    asking = house.client.post("/api/admin/assets?limit=2000000", data=body(), headers=headers)
    status, told = await _status(asking)
    assert (status, told["code"]) == (413, "too_large")
    assert told["detail"] == ("announced" if announced else "counted")


async def test_a_client_that_waits_for_100_is_refused_before_it_sends(house: House) -> None:
    reader, writer = await asyncio.open_connection(house.client.host, house.client.port)
    head = b"POST /api/admin/assets HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    writer.write(head + b"Expect: 100-continue\r\n\r\n")
    async with asyncio.timeout(5):
        assert b" 401 " in await reader.readline()
    writer.close()


async def test_a_client_that_waits_for_100_is_asked_for_the_body(house: House) -> None:
    headers = house.bearer()
    async with house.client.post(
        "/api/admin/assets", data=b"12345", headers=headers, expect100=True
    ) as answer:
        assert await answer.json() == {"size": 5}


async def test_an_upload_broken_off_is_broken_off_behind(house: House) -> None:
    _, writer = await asyncio.open_connection(house.client.host, house.client.port)
    authorization = house.bearer()["Authorization"]
    head = "POST /api/admin/assets HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
    writer.write(f"{head}Authorization: {authorization}\r\n\r\n".encode() + bytes(200_000))
    converter = house.behind["converter"]
    await _until_still(lambda: converter[COUNTED][0])
    writer.transport.abort()
    assert converter[COUNTED][0] <= 200_000
    assert (await house.client.get("/livez")).status == 200


@pytest.mark.parametrize("length", ["Content-Length: 9", "Transfer-Encoding: chunked"])
async def test_a_client_that_stops_sending_is_not_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    """The fault is the client's, although it shows while a service is being asked."""
    monkeypatch.setattr(incoming, "IDLE_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection(house.client.host, house.client.port)
    authorization = house.bearer()["Authorization"]
    head = f"POST /api/admin/assets HTTP/1.1\r\nHost: x\r\n{length}\r\nAuthorization: "
    writer.write(f"{head}{authorization}\r\n\r\n5\r\nhello".encode()[:-1])
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
    writer.close()
