"""Hostile files: never a 5xx, never a word to the network, nothing left behind."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.converter import http
from services.converter.tests.asking import ASSETS, SIGNER, intake
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import ADMIN, Studio
from shared.testing.callers import SEAL, signed
from shared.web.application import application

SEED = 20_260_301
SECONDS = 12.0
"""How long files are uploaded, and how long what was accepted is worked on."""

AT_ONCE = 2
FTYP = b"\0\0\0\x18ftypisom\0\0\0\0isommp42"


@asynccontextmanager
async def canary() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that nobody must talk to, and what it has heard."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1")
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/bait", heard


def scripts(bait: str) -> list[bytes]:
    """What some demuxers follow to other places."""
    told = [
        f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\n{bait}.ts\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{bait}.mp4'\nfile /etc/passwd\n",
        f"<?xml version='1.0'?><MPD><BaseURL>{bait}</BaseURL></MPD>",
        f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{bait}'/></svg>",
    ]
    return [text.encode() for text in told]


def hostile(film: bytes, bait: str, chance: random.Random) -> Iterator[bytes]:
    """Scripts, polyglots, and then damaged films without end."""
    for script in scripts(bait):
        yield from (script, FTYP + script, film + script)
    yield from (b"PK\x03\x04" + film, film + b"PK\x05\x06" + bytes(18), film[:32], FTYP * 100)
    index = film.index(b"moov")
    while True:
        spoiled = bytearray(film)
        for _ in range(chance.choice((1, 4, 32))):
            start = chance.choice((0, index))
            spoiled[chance.randrange(start, len(film))] ^= 1 << chance.randrange(8)
        yield bytes(spoiled)
        yield film[: chance.randrange(len(film))]


@pytest.fixture
async def client(studio: Studio) -> AsyncIterator[TestClient[Any, Any]]:
    parts = http.Parts(studio.database, intake(studio, 10**9), SIGNER, studio.blobs)
    server = TestServer(application("converter", [http.routes.given(parts)], seal=SEAL))
    headers = signed(actor=ADMIN) | {"Content-Type": "video/mp4"}
    async with TestClient(server, headers=headers) as client:
        yield client


async def test_hostile_uploads_are_refused_or_converted_and_nothing_else(
    client: TestClient[Any, Any], studio: Studio, clip: MakeClip
) -> None:
    film = (await clip("sound")).read_bytes()
    answered: Counter[int] = Counter()
    async with canary() as (bait, heard):
        files = hostile(film, bait, random.Random(SEED))
        until = time.monotonic() + SECONDS

        async def send() -> None:
            while time.monotonic() < until:
                async with client.post(ASSETS, data=next(files)) as answer:
                    assert answer.status in (201, 415), f"seed {SEED}: {await answer.text()}"
                    answered[answer.status] += 1

        await asyncio.gather(*(send() for _ in range(AT_ONCE)))
        until = time.monotonic() + SECONDS
        for _ in range(answered[201]):
            if time.monotonic() < until:
                await studio.work()
        assert heard == []

    assert min(answered[201], answered[415]) > 0
    ended = await studio.databases.as_admin("select status, error_code from converter.queue_jobs")
    assert len(ended) == answered[201]
    assert not [row for row in ended if row["error_code"] == "internal_error"], f"seed {SEED}"
    await nothing_is_left(studio)


async def nothing_is_left(studio: Studio) -> None:
    """No scratch file, no note of an upload, and no object that no row names."""
    assert list(studio.scratch.own.iterdir()) == []
    named = await studio.databases.as_admin(
        "select input_path as key from converter.queue_jobs"
        " union select log_key from converter.queue_jobs where log_key is not null"
        " union select object_key from converter.renditions"
    )
    assert await studio.keys() == {row["key"] for row in named}
    assert await studio.databases.as_admin("select * from converter.incoming") == []


async def test_a_script_that_nobody_looked_at_is_not_followed_by_its_conversion(
    studio: Studio, tmp_path: Path
) -> None:
    async with canary() as (bait, heard):
        for number, script in enumerate(scripts(bait)[:2]):
            path = tmp_path / f"{number}.mp4"
            path.write_bytes(script)
            ident = await studio.upload(path)
            await studio.work()
            assert (await studio.asset(ident))["conversion_error_code"] == "not_iso_media"
        assert heard == []
    await nothing_is_left(studio)
