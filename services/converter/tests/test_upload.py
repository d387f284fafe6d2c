"""Uploads by form and by raw body: what is taken, and what is refused without a trace."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import get_args

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.converter import http
from services.converter.probing.prober import Prober
from services.converter.scratch import Scratch
from services.converter.tests.asking import ASSETS, SIGNER, Client, form, intake
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import ADMIN, Studio
from shared.blobs.port import StorageUnavailable
from shared.contracts.converter import AssetUploaded, Rendition, TicketIssued
from shared.testing.callers import SEAL, signed
from shared.web.application import application


@pytest.fixture
async def untouched(studio: Studio) -> AsyncIterator[None]:
    """No row and no file may be there at the end."""
    yield
    rows = await studio.databases.as_admin(
        "select id::text from converter.admin_media_assets"
        " union all select id::text from converter.queue_jobs"
        " union all select id::text from converter.outbox"
        " union all select object_key from converter.incoming"
    )
    assert rows == []
    assert await studio.keys() == set()
    assert list(studio.scratch.own.iterdir()) == []


async def refused(client: Client, content: bytes) -> tuple[int, str]:
    async with client.post(ASSETS, data=form(content)) as answer:
        return answer.status, (await answer.json())["code"]


async def test_an_upload_by_form_becomes_a_pending_asset(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    content = (await clip("sound")).read_bytes()

    async with client.post(ASSETS, data=form(content, title="Aurora")) as answer:
        assert answer.status == 201
        asset = await answer.json()

    assert answer.headers["Location"] == f"{ASSETS}/{asset['id']}"
    assert (asset["title"], asset["filename"]) == ("Aurora", "film.mp4")
    assert asset["sha256"] == hashlib.sha256(content).hexdigest()
    assert asset["size_bytes"] == len(content)
    assert (asset["width"], asset["height"]) == (320, 240)
    assert (asset["conversion_status"], asset["progress"]) == ("pending", 0)
    assert asset["created_by"] == str(ADMIN.id)
    assert asset["created_at"].endswith("Z")
    assert {asset[f"{name}_url"] for name in get_args(Rendition)} == {None}
    assert set(asset) == CONTRACT
    assert len(await studio.told(AssetUploaded)) == len(await studio.told(TicketIssued)) == 1
    assert await studio.keys() == {f"default/originals/{asset['id']}"}
    assert list(studio.scratch.own.iterdir()) == []


CONTRACT = {
    *("id", "title", "filename", "size_bytes", "sha256", "width", "height", "duration_seconds"),
    *("conversion_status", "progress", "conversion_error", "conversion_error_code"),
    *("gif_url", "webm_url", "mp4_url", "thumbnail_url", "poster_best_url"),
    *("user_id", "assigned_at", "assigned_by", "active_assignment_count"),
    *("created_at", "created_by", "deleted_at"),
}


async def test_an_upload_by_raw_body(client: Client, clip: MakeClip) -> None:
    content = (await clip("sound")).read_bytes()
    headers = {"Content-Type": "video/mp4"}

    async with client.post(
        f"{ASSETS}?filename=C%3A%5Cfilms%5Cnight.mp4", data=content, headers=headers
    ) as answer:
        assert answer.status == 201
        asset = await answer.json()

    assert (asset["title"], asset["filename"]) == ("night", "night.mp4")
    async with client.get(answer.headers["Location"]) as shown:
        assert await shown.json() == asset


async def test_the_limit_is_inclusive(client: Client, clip: MakeClip, limit: int) -> None:
    content = (await clip("sound")).read_bytes()
    assert len(content) == limit
    async with client.post(ASSETS, data=form(content)) as answer:
        assert answer.status == 201


@pytest.mark.usefixtures("untouched")
async def test_one_byte_more_is_too_large(client: Client, clip: MakeClip) -> None:
    content = (await clip("sound")).read_bytes() + b"\0"
    assert await refused(client, content) == (413, "too_large")

    async def stream() -> AsyncIterator[bytes]:
        yield content

    async with client.post(ASSETS, data=stream(), headers={"Content-Type": "video/mp4"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (413, "too_large")
    async with client.post(ASSETS, data=content, headers={"Content-Type": "video/mp4"}) as answer:
        assert answer.status == 413


SPOILED: list[tuple[str, Callable[[bytes], bytes], tuple[int, str]]] = [
    ("sound", lambda film: film[: len(film) * 2 // 3], (415, "truncated")),
    ("sound", lambda film: film.replace(b"avc1", b"encv"), (415, "encrypted")),
    ("only_sound", lambda film: film, (415, "no_video")),
    ("sound", lambda _: b"not a film at all", (415, "not_iso_media")),
    ("sound", lambda _: b"tiny", (415, "not_iso_media")),
    ("sound", lambda _: b"", (400, "empty_upload")),
]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("name", "spoil", "expected"), SPOILED)
async def test_what_is_no_film_is_refused_and_leaves_nothing(
    name: str,
    spoil: Callable[[bytes], bytes],
    expected: tuple[int, str],
    client: Client,
    clip: MakeClip,
) -> None:
    content = spoil((await clip(name)).read_bytes())
    assert await refused(client, content) == expected
    async with client.post(ASSETS, data=content, headers={"Content-Type": "video/mp4"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == expected


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({}, b"", 400),
        ({"Content-Type": "multipart/form-data"}, b"x", 400),
        ({"Content-Type": "multipart/form-data; boundary=b"}, b"no boundary here", 400),
        ({"Content-Type": "multipart/form-data; boundary=b"}, b"--b--\r\n", 400),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nno file\r\n--b--\r\n',
            400,
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n'
            + b"x" * 5000
            + b"\r\n--b--\r\n",
            400,
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n'
            + b"x" * 201
            + b'\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno film'
            + b"\r\n--b--\r\n",
            400,
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--\r\n",
            400,
        ),
    ],
)
async def test_bodies_that_are_no_upload_are_refused(
    headers: dict[str, str], body: bytes, status: int, client: Client
) -> None:
    async with client.post(ASSETS, data=body, headers=headers) as answer:
        assert answer.status == status, await answer.text()
        assert answer.content_type == "application/problem+json"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("part", [bytes(2**16), b"\r\n--b\r\nX: y\r\n\r\n" * 1000])
async def test_a_form_that_goes_on_without_a_file_is_not_read_to_its_end(
    client: Client, part: bytes
) -> None:
    sent = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\n'
        while sent < 1000 * len(part):
            yield part
            sent += len(part)
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with client.post(ASSETS, data=stream(), headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "invalid_input")
    assert sent < 1000 * len(part)


@pytest.mark.usefixtures("untouched")
async def test_an_upload_that_breaks_off_leaves_nothing(client: Client, clip: MakeClip) -> None:
    content = (await clip("sound")).read_bytes()

    async def stream() -> AsyncIterator[bytes]:
        yield content[:5000]
        raise ConnectionAbortedError

    with pytest.raises((aiohttp.ClientError, ConnectionAbortedError)):
        await client.post(ASSETS, data=stream(), headers={"Content-Type": "video/mp4"})
    await asyncio.sleep(0.1)


@pytest.mark.usefixtures("untouched")
async def test_storage_that_is_away_leaves_no_row(
    client: Client, studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StorageUnavailable("gone fishing")

    monkeypatch.setattr(studio.blobs, "put", away)
    async with client.post(ASSETS, data=form((await clip("sound")).read_bytes())) as answer:
        assert answer.status == 503


@pytest.mark.usefixtures("untouched")
async def test_a_database_that_refuses_leaves_no_file(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    await studio.databases.as_admin("alter table converter.queue_jobs rename to hidden")
    async with client.post(ASSETS, data=form((await clip("sound")).read_bytes())) as answer:
        assert answer.status == 500
    await studio.databases.as_admin("alter table converter.hidden rename to queue_jobs")


async def test_odd_names_become_harmless(client: Client, clip: MakeClip) -> None:
    content = (await clip("sound")).read_bytes()
    for given, kept in [
        ("../../etc/passwd", "passwd"),
        ("a\u2028b.mp4", "ab.mp4"),
        ("", "upload.mp4"),
        ("é" * 300 + ".mp4", "é" * 200),
    ]:
        async with client.post(ASSETS, data=form(content, given)) as answer:
            assert (await answer.json())["filename"] == kept


async def test_an_upload_that_stalls_is_ended(
    studio: Studio, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.converter.upload._PATIENCE", 0.1)
    parts = http.Parts(studio.database, intake(studio, limit), SIGNER, studio.blobs)
    server = TestServer(application("converter", [http.routes.given(parts)], seal=SEAL))
    never = asyncio.Event()

    async def stream() -> AsyncIterator[bytes]:
        yield b"\0\0\0\x20ftypisom"
        await never.wait()

    async with TestClient(server, headers=signed(actor=ADMIN)) as client:
        async with asyncio.timeout(10):
            async with client.post(
                ASSETS, data=stream(), headers={"Content-Type": "video/mp4"}
            ) as answer:
                assert (answer.status, (await answer.json())["code"]) == (408, "upload_stalled")


async def test_scratch_of_the_dead_is_swept(studio: Studio, tmp_path: Path) -> None:
    dead, living = Scratch(tmp_path / "s"), Scratch(tmp_path / "s")
    await dead.open()
    with dead.directory() as left:
        (left / "input.mp4").write_bytes(b"x")
        os.close(dead._held)  # what a kill does
        await living.open()
        assert not left.exists()
        with living.directory() as used:
            third = Scratch(tmp_path / "s")
            await third.open()
            assert used.exists()
            await third.close()
    await living.close()
    assert list((tmp_path / "s").iterdir()) == []


async def test_a_film_that_was_converted_is_not_looked_at_again(
    client: Client, studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (await clip("sound")).read_bytes()
    async with client.post(ASSETS, data=form(content)) as answer:
        first = await answer.json()
    await studio.work()
    monkeypatch.setattr(Prober, "glance", lambda *_: pytest.fail("looked at again"))

    async with client.post(ASSETS, data=form(content)) as answer:
        assert answer.status == 201
        again = await answer.json()

    assert again["id"] != first["id"]
    facts = ("sha256", "width", "height", "duration_seconds")
    assert [again[name] for name in facts] == [first[name] for name in facts]
