"""Uploading and asking, over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.converter import http
from services.converter.incoming import Broom
from services.converter.intake import Intake
from services.converter.probing.prober import Prober
from services.converter.scratch import Scratch
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import ADMIN, Studio
from shared.blobs.port import StorageUnavailable
from shared.blobs.signing import MediaSigner
from shared.contracts.converter import AssetUploaded, TicketIssued
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.web.application import application

SIGNER = MediaSigner(b"media", time.time)
ASSETS = "/api/admin/assets"

Client = TestClient[Any, Any]


def intake(studio: Studio, limit: int) -> Intake:
    return Intake(
        database=studio.database,
        blobs=studio.blobs,
        scratch=studio.scratch,
        sandbox=studio.sandbox,
        prober=Prober(studio.sandbox, budget=10),
        broom=Broom(studio.database, studio.blobs),
        new_id=new_id,
        limit=limit,
    )


@pytest.fixture
async def limit(clip: MakeClip) -> int:
    """Exactly the size of the film with sound."""
    return (await clip("sound")).stat().st_size


@pytest.fixture
async def client(studio: Studio, limit: int) -> AsyncIterator[Client]:
    parts = http.Parts(studio.database, intake(studio, limit), SIGNER, studio.blobs)
    server = TestServer(application("converter", [http.routes.given(parts)], seal=SEAL))
    async with TestClient(server, headers=signed(actor=ADMIN)) as client:
        yield client


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


def form(content: bytes, filename: str = "film.mp4", **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData(fields, quote_fields=False)
    data.add_field("file", content, filename=filename, content_type="video/mp4")
    return data


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
    assert {asset[f"{name}_url"] for name in ("gif", "webm", "mp4", "thumbnail")} == {None}
    assert set(asset) == CONTRACT
    assert len(await studio.told(AssetUploaded)) == len(await studio.told(TicketIssued)) == 1
    assert await studio.keys() == {f"default/originals/{asset['id']}"}
    assert list(studio.scratch.own.iterdir()) == []


CONTRACT = {
    *("id", "title", "filename", "size_bytes", "sha256", "width", "height", "duration_seconds"),
    *("conversion_status", "progress", "conversion_error", "conversion_error_code"),
    *("gif_url", "webm_url", "mp4_url", "thumbnail_url"),
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


async def test_only_administrators_ask(client: Client, studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("silent"))
    for method, path in [("POST", ASSETS), ("GET", ASSETS), ("GET", f"{ASSETS}/{ident}")]:
        async with client.request(method, path, headers=signed("user")) as answer:
            assert answer.status == 403
        async with client.request(method, path, headers={"X-Actor": "forged"}) as answer:
            assert answer.status == 401


async def test_assets_of_others_and_none_are_not_found(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    async with client.get(f"{ASSETS}/{ident}", headers=signed(tenant="elsewhere")) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "asset_not_found")
    async with client.get(f"{ASSETS}/{new_id()}") as answer:
        assert answer.status == 404
    async with client.get(f"{ASSETS}/42") as answer:
        assert answer.status == 400


async def test_the_list_is_newest_first_and_pages(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    film = await clip("silent")
    made = [str(await studio.upload(film)) for _ in range(5)]

    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        async with client.get(ASSETS, params=query) as answer:
            page = await answer.json()
        seen += [asset["id"] for asset in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_the_list_can_be_narrowed(client: Client, studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    plain, deleted, named = [await studio.upload(film) for _ in range(3)]
    await studio.databases.as_admin(
        "update converter.admin_media_assets set deleted_at = now() where id = $1", deleted
    )
    await studio.databases.as_admin(
        "update converter.admin_media_assets set title = '50%_Off' where id = $1", named
    )

    async def listed(**query: str) -> set[UUID]:
        async with client.get(ASSETS, params=query) as answer:
            assert answer.status == 200
            return {UUID(asset["id"]) for asset in (await answer.json())["items"]}

    assert await listed() == {plain, named}
    assert await listed(deleted="true") == {deleted}
    assert await listed(status="pending") == {plain, named}
    assert await listed(status="failed") == set()
    assert await listed(query="50%_o") == {named}
    assert await listed(query="0%O") == set()
    async with client.get(f"{ASSETS}/{deleted}") as answer:
        assert answer.status == 404
    async with client.get(f"{ASSETS}/{deleted}?deleted=true") as answer:
        assert answer.status == 200
    for wrong in ({"status": "odd"}, {"limit": "0"}, {"limit": "501"}, {"cursor": "x"}):
        async with client.get(ASSETS, params=wrong) as answer:
            assert answer.status == 400


async def test_urls_lead_to_the_renditions_and_stay_the_same(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("sound"))
    await studio.work()
    shown = []
    for _ in range(2):
        async with client.get(f"{ASSETS}/{ident}") as answer:
            shown.append(await answer.json())
    assert shown[0] == shown[1]
    key = SIGNER.check(shown[0]["gif_url"])
    assert key in await studio.keys()


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


KEYED = {"Idempotency-Key": "aurora"}


async def alone(studio: Studio, asset: Any) -> None:
    """One asset, its original and its job are there, and nothing else."""
    assert await studio.keys() == {f"default/originals/{asset['id']}"}
    assert len(await studio.told(AssetUploaded)) == len(await studio.told(TicketIssued)) == 1
    assert await studio.databases.as_admin("select from converter.incoming") == []
    assert list(studio.scratch.own.iterdir()) == []


async def test_an_upload_sent_again_with_its_key_is_taken_once(
    client: Client, studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (await clip("sound")).read_bytes()
    async with client.post(ASSETS, data=form(content, title="Aurora"), headers=KEYED) as answer:
        assert answer.status == 201
        first, location = await answer.read(), answer.headers["Location"]
    monkeypatch.setattr(Prober, "glance", lambda *_: pytest.fail("looked at again"))

    async with client.post(ASSETS, data=form(content, title="Aurora"), headers=KEYED) as answer:
        assert (answer.status, await answer.read()) == (201, first)
        assert answer.headers["Location"] == location
        assert answer.headers["Idempotent-Replayed"] == "true"
    raw = {**KEYED, "Content-Type": "video/mp4"}
    path = f"{ASSETS}?filename=film.mp4&title=Aurora"
    async with client.post(path, data=content, headers=raw) as answer:
        assert (answer.status, await answer.read()) == (201, first)
    await alone(studio, orjson.loads(first))


async def test_a_key_is_not_for_another_film_nor_another_title(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    content, other = [(await clip(name)).read_bytes() for name in ("sound", "silent")]
    async with client.post(ASSETS, data=form(content), headers=KEYED) as answer:
        asset = await answer.json()

    for another in (form(other), form(content, title="Borealis")):
        async with client.post(ASSETS, data=another, headers=KEYED) as answer:
            assert (answer.status, (await answer.json())["code"]) == (422, "idempotency_key_reused")
    await alone(studio, asset)


async def test_the_slower_of_two_twins_leaves_nothing(
    client: Client, studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are past the first look at the key when the first of them commits."""
    content, put = (await clip("sound")).read_bytes(), studio.blobs.put
    both_stored, first_answered = asyncio.Barrier(2), asyncio.Event()

    async def put_together(*given: Any, **more: Any) -> None:
        await put(*given, **more)
        place = await asyncio.wait_for(both_stored.wait(), 10)
        if place == 1:
            await asyncio.wait_for(first_answered.wait(), 10)

    monkeypatch.setattr(studio.blobs, "put", put_together)

    async def send() -> tuple[int, bytes, bool]:
        async with client.post(ASSETS, data=form(content), headers=KEYED) as answer:
            first_answered.set()
            replayed = "Idempotent-Replayed" in answer.headers
            return answer.status, await answer.read(), replayed

    answers = sorted(await asyncio.gather(send(), send()), key=lambda answer: answer[2])
    assert [(status, replayed) for status, _, replayed in answers] == [(201, False), (201, True)]
    assert answers[0][1] == answers[1][1]
    await alone(studio, orjson.loads(answers[0][1]))


async def test_a_film_that_was_refused_may_be_followed_by_a_good_one(
    client: Client, clip: MakeClip
) -> None:
    for name, status in (("only_sound", 415), ("sound", 201)):
        content = (await clip(name)).read_bytes()
        async with client.post(ASSETS, data=form(content), headers=KEYED) as answer:
            assert answer.status == status
