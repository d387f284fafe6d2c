"""Property: no input, however bad, is answered with a 5xx."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_bytes = st.binary(max_size=60).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))
_path_bytes = _bytes.map(lambda raw: raw.replace(b" ", b""))
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)

_lenient = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


async def _status(client: Any, request: bytes) -> int:
    """Send raw bytes, which no client library would, and read the status line."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(request)
        line = await reader.readline()
        writer.close()
    return int(line.split()[1])


@_lenient
@given(path=_path_bytes, query=_path_bytes, header=_bytes)
async def test_no_request_line_or_header_breaks_a_service(
    client: Any, signed_in: Any, path: bytes, query: bytes, header: bytes
) -> None:
    actor = signed_in()["X-Actor"].encode()
    for prefix in (b"/", b"/api/things/", b"/api/things?limit="):
        request = b"GET " + prefix + path + b"?" + query + b"&cursor=" + query + b" HTTP/1.1\r\n"
        head = b"Host: x\r\nConnection: close\r\nX-Actor: " + actor + b"\r\nX-Request-ID: " + header
        assert await _status(client, request + head + b"\r\n\r\n") < 500


@_lenient
@given(body=_bytes | st.binary(max_size=60), label=_bytes)
async def test_no_body_breaks_a_service(
    client: Any, signed_in: Any, body: bytes, label: bytes
) -> None:
    actor = signed_in()["X-Actor"].encode()
    for content_type in (b"application/json", label):
        head = (
            b"POST /api/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Actor: " + actor
            + b"\r\nContent-Type: " + content_type
            + b"\r\nContent-Length: " + str(len(body)).encode()
        )  # fmt: skip
        assert await _status(client, head + b"\r\n\r\n" + body) < 500


@_lenient
@given(value=_json)
async def test_no_json_breaks_a_service(client: Any, signed_in: Any, value: Any) -> None:
    for body in (value, {"name": value, "owner": value, "tags": value}):
        answer = await client.post("/api/things", json=body, headers=signed_in())
        assert answer.status < 500


async def test_a_packed_body_is_as_large_as_it_unpacks(client: Any, signed_in: Any) -> None:
    """So nobody makes us hold a gigabyte by sending a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(bytes(50_000_000)) + packer.flush()
    assert len(bomb) < 100_000
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await client.post("/api/things", data=bomb, headers=signed_in() | packed)
    assert (answer.status, (await answer.json())["code"]) == (413, "body_too_large")
