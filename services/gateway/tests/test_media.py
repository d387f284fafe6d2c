"""Renditions by signed URL: anyone who has the URL, nobody who altered it, in whole or in parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from services.gateway.tests.house import House
from shared.blobs.signing import MediaSigner

KEY = "default/renditions/019a9d3c/token/mp4.mp4"
ASSET = "019a9d3c-5c00-7000-8000-000000000001"
BYTES = bytes(range(256)) * 1000


@pytest.fixture
async def url(house: House, tmp_path: Path) -> str:
    """A stored rendition's URL."""
    source = tmp_path / "source"
    source.write_bytes(BYTES)
    await house.blobs.put(KEY, source, content_type="video/mp4")
    return house.signer.url(ASSET, "mp4", KEY)


async def test_the_whole_file(house: House, url: str) -> None:
    answer = await house.client.get(url)
    assert answer.status == 200
    assert await answer.read() == BYTES
    assert answer.content_type == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    caching = answer.headers["Cache-Control"].split(", ")
    assert caching[0] == "private"
    assert 3600 <= int(caching[1].partition("=")[2]) <= 7200


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("Bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=255999-", 255_999, 256_000),
        ("bytes=255990-999999999", 255_990, 256_000),
        ("bytes=-10", 255_990, 256_000),
        ("bytes=-999999999", 0, 256_000),
    ],
)
async def test_a_range(house: House, url: str, asked: str, start: int, end: int) -> None:
    answer = await house.client.get(url, headers={"Range": asked})
    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/256000"
    assert await answer.read() == BYTES[start:end]


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=999999-1000000", "bytes=-0"])
async def test_a_range_behind_the_end_is_416(house: House, url: str, asked: str) -> None:
    answer = await house.client.get(url, headers={"Range": asked})
    assert answer.status == 416
    assert answer.headers["Content-Range"] == "bytes */256000"
    assert (await answer.json())["code"] == "range_not_satisfiable"


@pytest.mark.parametrize(
    "asked",
    [
        *("bytes=", "bytes=-", "Bytes=-", "bytes=5-2", "lines=1-2", "bytes=0-1,3-4", "bytes=x-"),
        *("é", "bytes=\N{ARABIC-INDIC DIGIT ONE}-\N{ARABIC-INDIC DIGIT TWO}"),
    ],
)
async def test_what_is_no_single_range_gets_the_whole(house: House, url: str, asked: str) -> None:
    answer = await house.client.get(url, headers={"Range": asked})
    assert answer.status == 200
    assert len(await answer.read()) == len(BYTES)


async def test_a_part_of_another_file_is_not_continued(house: House, url: str) -> None:
    first = await house.client.get(url)
    for condition, status in ((first.headers["ETag"], 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": condition}
        assert (await house.client.get(url, headers=headers)).status == status
    headers = {"Range": "bytes=0-9", "If-Range": first.headers["Last-Modified"]}
    assert (await house.client.get(url, headers=headers)).status == 206


async def test_what_the_client_has_is_not_sent_again(house: House, url: str) -> None:
    first = await house.client.get(url)
    for name, value, status in (
        ("If-None-Match", first.headers["ETag"], 304),
        ("If-None-Match", f'"x", W/{first.headers["ETag"]}', 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", '"x"', 200),
        ("If-Modified-Since", first.headers["Last-Modified"], 304),
        ("If-Modified-Since", "Mon, 01 Jan 2001 00:00:00 GMT", 200),
        ("If-Modified-Since", "no date", 200),
    ):
        answer = await house.client.get(url, headers={name: value})
        assert (name, value, answer.status) == (name, value, status)
        assert answer.headers["ETag"] == first.headers["ETag"]


async def test_head(house: House, url: str) -> None:
    answer = await house.client.head(url)
    assert (answer.status, answer.headers["Content-Length"]) == (200, "256000")
    assert await answer.read() == b""


@pytest.mark.parametrize(
    "alter",
    [
        lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"),
        lambda url: url.replace("expires=1", "expires=2"),
        lambda url: url.replace("mp4.mp4", "mp5.mp4"),
        lambda url: url + "&x=1",
        lambda url: url.partition("?")[0],
        lambda url: url.replace("/019a", "/%3019a", 1),
        lambda url: url.replace("/019a", "//019a", 1),
    ],
)
async def test_an_altered_url_is_403(house: House, url: str, alter: Callable[[str], str]) -> None:
    reader, writer = await asyncio.open_connection(house.client.host, house.client.port)
    writer.write(f"GET {alter(url)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.split()[1] == b"403", answer
    assert b'"forged_url"' in answer


async def test_an_expired_url_is_410(house: House, url: str) -> None:
    old = MediaSigner(house.media_key, lambda: 1_700_000_000.0)
    answer = await house.client.get(old.url(ASSET, "mp4", KEY))
    assert answer.status == 410
    assert (await answer.json())["code"] == "expired_url"


async def test_what_is_not_stored_is_404(house: House) -> None:
    answer = await house.client.get(house.signer.url(ASSET, "mp4", "default/renditions/gone.mp4"))
    assert answer.status == 404
    assert (await answer.json())["code"] == "media_not_found"


async def test_a_store_with_a_public_address_is_redirected_to(
    house: House, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def presign(key: str, **_: object) -> str:
        asked.append(key)
        return "https://store.example/object?signed"

    monkeypatch.setattr(house.blobs, "presign", presign)
    answer = await house.client.get(url, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (
        302,
        "https://store.example/object?signed",
    )
    assert asked == [KEY]
    forged = await house.client.get(url.replace("/mp4.mp4", "/mp4.mp5"), allow_redirects=False)
    assert forged.status == 403
