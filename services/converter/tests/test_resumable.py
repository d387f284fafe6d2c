"""Resumable uploads, request by request."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from services.converter.resumable import rows
from services.converter.resumable.http import COLLECTION
from services.converter.resumable.sweeping import PartsBroom
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import Studio
from services.converter.tests.uploading import STREAM, Sender, checksum, metadata, replica
from shared.blobs.local import LocalBlobs
from shared.blobs.port import Blob, StorageUnavailable
from shared.blobs.s3 import S3Blobs, S3Settings
from shared.contracts.converter import AssetUploaded, TicketIssued
from shared.runtime.ids import new_id
from shared.testing import servers
from shared.testing.s3 import fresh_bucket


@pytest.fixture
async def sender(studio: Studio, tmp_path: Path) -> AsyncIterator[Sender]:
    async with replica(studio, tmp_path) as sender:
        yield sender


@pytest.fixture
async def film(clip: MakeClip) -> bytes:
    """A film of some tens of kilobytes."""
    return (await clip("sound")).read_bytes()


async def originals(studio: Studio) -> dict[str, bytes]:
    """What is stored; nothing but assets' originals may be."""
    found = {}
    for key in await studio.keys():
        async with studio.blobs.read(key) as download:
            found[key] = b"".join([chunk async for chunk in download.chunks])
    return found


async def code(answer: Any) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


async def test_what_it_can_do_is_told_to_anybody(studio: Studio, tmp_path: Path) -> None:
    async with replica(studio, tmp_path, limit=12345) as sender:
        sender.client.session.headers.clear()
        for path in (COLLECTION, f"{COLLECTION}/{new_id()}"):
            answer = await sender.send("OPTIONS", path, **{"Tus-Resumable": None})
            assert answer.status == 204
            told = {name: each for name, each in answer.headers.items() if name[:4] == "Tus-"}
            assert told == {
                "Tus-Resumable": "1.0.0",
                "Tus-Version": "1.0.0",
                "Tus-Extension": "creation,creation-with-upload,checksum,expiration,termination",
                "Tus-Max-Size": "12345",
                "Tus-Checksum-Algorithm": "sha256,sha1,md5",
            }


async def test_an_upload_in_pieces_becomes_an_asset(
    sender: Sender, studio: Studio, film: bytes
) -> None:
    told = metadata(filename="náčrt.mp4", title="Aurora", filetype="video/mp4")
    path = await sender.begin(len(film), told=told)
    assert path.startswith(f"{COLLECTION}/")

    for start in range(0, len(film), 10_000):
        assert await sender.offset(path) == start
        answer = await sender.patch(path, start, film[start : start + 10_000])
        assert answer.status == 204
        assert answer.headers["Upload-Offset"] == str(min(start + 10_000, len(film)))
        assert answer.headers["Tus-Resumable"] == "1.0.0"

    location = answer.headers["Content-Location"]
    ident = location.removeprefix("/api/admin/assets/")
    [row] = await studio.databases.as_admin("select * from converter.admin_media_assets")
    assert str(row["id"]) == ident
    assert (row["title"], row["filename"]) == ("Aurora", "náčrt.mp4")
    assert row["sha256"] == hashlib.sha256(film).hexdigest()
    assert (row["width"], row["height"], row["size_bytes"]) == (320, 240, len(film))
    assert len(await studio.told(AssetUploaded)) == len(await studio.told(TicketIssued)) == 1
    assert await originals(studio) == {f"default/originals/{ident}": film}


async def test_who_missed_the_last_answer_is_told_again(sender: Sender, film: bytes) -> None:
    path = await sender.begin(len(film), film[:-100])
    first = await sender.patch(path, len(film) - 100, film[-100:])
    location = first.headers["Content-Location"]

    again = await sender.patch(path, len(film) - 100, film[-100:])
    assert await code(again) == (409, "offset_mismatch")
    assert again.headers["Content-Location"] == location
    assert again.headers["Upload-Offset"] == str(len(film))

    head = await sender.send("HEAD", path)
    assert (head.status, head.headers["Content-Location"]) == (200, location)
    assert head.headers["Upload-Offset"] == head.headers["Upload-Length"] == str(len(film))

    nothing = await sender.patch(path, len(film), b"")
    assert (nothing.status, nothing.headers["Content-Location"]) == (204, location)
    more = await sender.patch(path, len(film), b"x")
    assert await code(more) == (413, "beyond_length")


async def test_head_and_get_tell_how_far_it_is(sender: Sender, film: bytes) -> None:
    told = metadata(filename="a.mp4")
    path = await sender.begin(len(film), film[:5000], told)

    for method in ("HEAD", "GET"):
        answer = await sender.send(method, path)
        assert answer.status == 200
        assert answer.headers["Upload-Offset"] == "5000"
        assert answer.headers["Upload-Length"] == str(len(film))
        assert answer.headers["Upload-Metadata"] == told["Upload-Metadata"]
        assert answer.headers["Cache-Control"] == "no-store"
        left = parsedate_to_datetime(answer.headers["Upload-Expires"]) - datetime.now(UTC)
        assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
        assert "Content-Location" not in answer.headers
    shown = await answer.json()
    assert (shown["offset"], shown["length"], shown["asset_id"]) == (5000, len(film), None)


async def test_creation_may_bring_all_of_it(sender: Sender, studio: Studio, film: bytes) -> None:
    answer = await sender.send(
        "POST",
        COLLECTION,
        film,
        **{**STREAM, "Upload-Length": len(film), **checksum(film, "md5")},
    )
    assert answer.status == 201
    assert answer.headers["Upload-Offset"] == str(len(film))
    ident = answer.headers["Content-Location"].rpartition("/")[2]
    assert await originals(studio) == {f"default/originals/{ident}": film}


async def test_a_client_that_can_only_post(sender: Sender, film: bytes) -> None:
    path = await sender.begin(len(film))
    override = "X-HTTP-Method-Override"
    sent = await sender.send(
        "POST", path, film[:100], **{**STREAM, "Upload-Offset": 0, override: "PATCH"}
    )
    assert (sent.status, sent.headers["Upload-Offset"]) == (204, "100")
    assert (await sender.send("POST", path, **{override: "PUT"})).status == 405
    assert (await sender.send("POST", path)).status == 405
    assert (await sender.send("POST", path, **{override: "DELETE"})).status == 204
    assert (await sender.send("HEAD", path)).status == 410


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
async def test_a_checksum_that_fits_is_taken_and_another_refused(
    sender: Sender, studio: Studio, film: bytes, algorithm: str
) -> None:
    path = await sender.begin(len(film))
    good, bad = film[:9000], film[:8999] + b"!"
    refused = await sender.patch(path, 0, bad, **checksum(good, algorithm))
    assert await code(refused) == (460, "checksum_mismatch")
    assert refused.headers["Tus-Resumable"] == "1.0.0"
    assert await sender.offset(path) == 0
    assert await studio.keys() == set()

    taken = await sender.patch(path, 0, good, **checksum(good, algorithm))
    assert (taken.status, taken.headers["Upload-Offset"]) == (204, "9000")
    last = film[9000:]
    wrong_end = await sender.patch(path, 9000, last[::-1], **checksum(last, algorithm))
    assert wrong_end.status == 460
    done = await sender.patch(path, 9000, last, **checksum(last, algorithm))
    assert done.status == 204
    assert list((await originals(studio)).values()) == [film]


async def test_a_termination_frees_what_was_stored(
    sender: Sender, studio: Studio, film: bytes
) -> None:
    path = await sender.begin(len(film), film[:20_000])
    assert await studio.keys() != set()

    assert (await sender.send("DELETE", path)).status == 204

    assert await studio.keys() == set()
    for answer in (
        await sender.send("HEAD", path),
        await sender.patch(path, 20_000, film[20_000:]),
        await sender.send("DELETE", path),
    ):
        assert answer.status == 410
        assert answer.headers["Tus-Resumable"] == "1.0.0"


async def test_terminating_what_is_complete_leaves_the_asset(
    sender: Sender, studio: Studio, film: bytes
) -> None:
    path = await sender.begin(len(film), film)
    assert (await sender.send("DELETE", path)).status == 204
    assert (await sender.send("HEAD", path)).status == 410
    assert list((await originals(studio)).values()) == [film]


async def nothing_is_left(studio: Studio) -> None:
    rows = await studio.databases.as_admin(
        "select id::text from converter.admin_media_assets"
        " union all select id::text from converter.queue_jobs"
        " union all select id::text from converter.outbox"
        " union all select object_key from converter.incoming"
        " union all select object_key from converter.upload_parts"
    )
    assert rows == []
    assert await studio.keys() == set()


async def test_no_video_is_refused_as_by_a_plain_upload(
    sender: Sender, studio: Studio, clip: MakeClip
) -> None:
    sound = (await clip("only_sound")).read_bytes()
    path = await sender.begin(len(sound), sound[:5000])

    answer = await sender.patch(path, 5000, sound[5000:])

    assert await code(answer) == (415, "no_video")
    await nothing_is_left(studio)
    again = await sender.patch(path, 5000, sound[5000:])
    assert await code(again) == (410, "upload_gone")
    reason = (await answer.json())["detail"]
    assert reason in (await again.json())["detail"]


async def test_what_does_not_begin_like_a_film_is_refused_at_once(
    sender: Sender, studio: Studio
) -> None:
    path = await sender.begin(100_000)
    answer = await sender.patch(path, 0, b"#EXTM3U\n" * 20)
    assert await code(answer) == (415, "not_iso_media")
    assert (await sender.send("HEAD", path)).status == 410
    await nothing_is_left(studio)


async def test_a_film_that_is_cut_short_is_refused(
    sender: Sender, studio: Studio, film: bytes
) -> None:
    short = film[: len(film) * 2 // 3]
    path = await sender.begin(len(short))
    answer = await sender.patch(path, 0, short)
    assert answer.status == 415
    await nothing_is_left(studio)


async def test_the_limit_is_inclusive(studio: Studio, tmp_path: Path, film: bytes) -> None:
    async with replica(studio, tmp_path, limit=len(film)) as sender:
        too_long = await sender.send("POST", COLLECTION, **{"Upload-Length": len(film) + 1})
        assert await code(too_long) == (413, "too_large")
        assert await sender.begin(len(film), film)


async def test_more_than_was_announced_is_refused(
    sender: Sender, studio: Studio, film: bytes
) -> None:
    path = await sender.begin(len(film))
    announced = await sender.patch(path, 0, film + b"x")
    assert await code(announced) == (413, "beyond_length")

    async def stream() -> AsyncIterator[bytes]:
        yield film
        yield b"x"

    counted = await sender.patch(path, 0, stream())
    assert await code(counted) == (413, "beyond_length")
    offset = await sender.offset(path)
    assert offset < len(film)
    assert (await sender.patch(path, offset, film[offset:])).status == 204
    assert list((await originals(studio)).values()) == [film]


async def test_too_many_pieces_are_refused(
    sender: Sender, studio: Studio, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_PARTS", 3)
    path = await sender.begin(len(film))
    for offset in range(12, 15):
        assert (await sender.patch(path, offset - 12, film[offset - 12 : offset - 11])).status < 300
    answer = await sender.patch(path, 3, film[3:4])
    assert await code(answer) == (413, "too_many_parts")
    assert await sender.offset(path) == 3
    assert len(await studio.keys()) == 3
    assert (await sender.patch(path, 3, film[3:])).status == 204


TWICE = [("Upload-Offset", "0"), ("Upload-Offset", "0")]
WRONG_CREATION: list[tuple[dict[str, Any], int]] = [
    ({"Upload-Length": None}, 400),
    ({"Upload-Length": ""}, 400),
    ({"Upload-Length": "-1"}, 400),
    ({"Upload-Length": "+1"}, 400),
    ({"Upload-Length": "1.5"}, 400),
    ({"Upload-Length": "1e3"}, 400),
    ({"Upload-Length": "1_000"}, 400),
    ({"Upload-Length": "0x10"}, 400),
    ({"Upload-Length": "many"}, 400),
    ({"Upload-Length": "9" * 16}, 400),
    ({"Upload-Length": "9" * 15}, 413),
    ({"Upload-Length": "0"}, 400),
    ({"Upload-Length": None, "Upload-Defer-Length": "1"}, 400),
    ({"Upload-Defer-Length": "1"}, 400),
    ({"Tus-Resumable": None}, 412),
    ({"Tus-Resumable": ""}, 412),
    ({"Tus-Resumable": "0.2.2"}, 412),
    ({"Tus-Resumable": "2.0.0", "Upload-Length": None}, 412),
    ({"Upload-Metadata": "filename not*base64"}, 400),
    ({"Upload-Metadata": "filename YQ"}, 400),
    ({"Upload-Metadata": "filename YQ==,filename YQ=="}, 400),
    ({"Upload-Metadata": ",,"}, 400),
    ({"Upload-Metadata": "a YQ==,"}, 400),
    ({"Upload-Metadata": "filename /w=="}, 400),
    ({"Upload-Metadata": "názov YQ=="}, 400),
    ({"Upload-Metadata": "x " + "YWFh" * 1100}, 400),
    (metadata(title="t" * 201), 400),
]


@pytest.mark.parametrize(("headers", "status"), WRONG_CREATION)
async def test_a_malformed_creation(
    sender: Sender, studio: Studio, headers: dict[str, Any], status: int
) -> None:
    answer = await sender.send("POST", COLLECTION, **{"Upload-Length": 100, **headers})
    assert answer.status == status, await answer.text()
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert ("Tus-Version" in answer.headers) == (status == 412)
    assert "Location" not in answer.headers
    assert await studio.databases.as_admin("select id from converter.uploads") == []


async def test_a_creation_with_a_body_of_another_kind(sender: Sender, film: bytes) -> None:
    for kind in ("video/mp4", "application/json", "multipart/form-data; boundary=x"):
        answer = await sender.send(
            "POST", COLLECTION, film, **{"Upload-Length": len(film), "Content-Type": kind}
        )
        assert answer.status == 415


@pytest.mark.parametrize(
    "told", ["", " ", "key", "key ", "a,b YQ==", "filename YQ==, title YQ==", "filename "]
)
async def test_metadata_may_be_empty_and_keys_alone(sender: Sender, told: str) -> None:
    await sender.begin(100, told={"Upload-Metadata": told})


WRONG_PATCH: list[tuple[dict[str, Any], int]] = [
    ({"Upload-Offset": None}, 400),
    ({"Upload-Offset": "-1"}, 400),
    ({"Upload-Offset": "zero"}, 400),
    ({"Upload-Offset": "٠"}, 400),
    ({"Upload-Offset": "1"}, 409),
    ({"Upload-Offset": "9" * 15}, 409),
    ({"Content-Type": "application/octet-stream"}, 415),
    ({"Content-Type": "video/mp4"}, 415),
    ({"Tus-Resumable": None}, 412),
    ({"Tus-Resumable": "1.0.1"}, 412),
    ({"Upload-Checksum": ""}, 400),
    ({"Upload-Checksum": "sha256"}, 400),
    ({"Upload-Checksum": "crc32 AAAAAA=="}, 400),
    ({"Upload-Checksum": "SHA256 " + "A" * 43 + "="}, 400),
    ({"Upload-Checksum": "sha256 AAAA"}, 400),
    ({"Upload-Checksum": "sha256 ***"}, 400),
]


@pytest.mark.parametrize(("headers", "status"), WRONG_PATCH)
async def test_a_malformed_patch(
    sender: Sender, studio: Studio, film: bytes, headers: dict[str, Any], status: int
) -> None:
    path = await sender.begin(len(film))
    answer = await sender.patch(path, 0, film[:100], **headers)
    assert answer.status == status, await answer.text()
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert await sender.offset(path) == 0
    assert await studio.keys() == set()


async def test_a_header_sent_twice_is_refused(sender: Sender, film: bytes) -> None:
    path = await sender.begin(len(film))
    headers = [*STREAM.items(), ("Tus-Resumable", "1.0.0"), *TWICE]
    async with sender.client.patch(path, data=film[:9], headers=headers) as answer:
        assert await code(answer) == (400, "invalid_header")


async def test_what_is_not_there(sender: Sender, film: bytes) -> None:
    path = f"{COLLECTION}/{new_id()}"
    assert (await sender.send("HEAD", path)).status == 404
    assert await code(await sender.patch(path, 0, film)) == (404, "upload_not_found")
    assert await code(await sender.send("DELETE", path)) == (404, "upload_not_found")
    assert (await sender.send("HEAD", f"{COLLECTION}/7")).status == 400


async def test_only_administrators_of_the_tenant_may_touch_it(
    studio: Studio, sender: Sender, tmp_path: Path, film: bytes
) -> None:
    path = await sender.begin(len(film), film[:5000])

    async with replica(studio, tmp_path, tenant="acme") as stranger:
        assert (await stranger.send("HEAD", path)).status == 404
        assert (await stranger.patch(path, 5000, film[5000:])).status == 404
        assert (await stranger.send("DELETE", path)).status == 404
    async with replica(studio, tmp_path, role="user") as user:
        for method, where in (("HEAD", path), ("DELETE", path), ("POST", COLLECTION)):
            assert (await user.send(method, where)).status == 403
        assert (await user.patch(path, 5000, film[5000:])).status == 403
    async with replica(studio, tmp_path) as nobody:
        nobody.client.session.headers.clear()
        assert (await nobody.send("HEAD", path)).status == 401

    assert await sender.offset(path) == 5000


async def test_any_replica_can_go_on(
    studio: Studio, sender: Sender, tmp_path: Path, film: bytes
) -> None:
    path = await sender.begin(len(film), film[:5000])
    async with replica(studio, tmp_path) as other:
        assert (await other.patch(path, 5000, film[5000:9000])).status == 204
    assert (await sender.patch(path, 9000, film[9000:])).status == 204
    assert list((await originals(studio)).values()) == [film]


async def test_of_twins_one_is_taken(
    studio: Studio, sender: Sender, tmp_path: Path, film: bytes
) -> None:
    path = await sender.begin(len(film), film[:5000])
    async with replica(studio, tmp_path) as other:
        answers = await asyncio.gather(
            *(each.patch(path, 5000, film[5000:]) for each in (sender, other, sender, other))
        )
    assert sorted(each.status for each in answers)[0] == 204
    assert {each.status for each in answers[1:]} <= {204, 409}
    assert [each.status for each in answers].count(204) == 1
    [asset] = await studio.databases.as_admin("select id from converter.admin_media_assets")
    assert await originals(studio) == {f"default/originals/{asset['id']}": film}
    for late in answers:
        assert late.headers["Upload-Offset"] == str(len(film)) or late.status == 409


@pytest.mark.parametrize("good", [True, False])
async def test_who_was_overtaken_changes_nothing(
    sender: Sender, studio: Studio, film: bytes, good: bool
) -> None:
    """A request that others took for dead goes on to its end, with the film or with rubbish."""
    start = len(film) - 3000
    path = await sender.begin(len(film), film[:start])
    begun, overtaken = asyncio.Event(), asyncio.Event()

    async def stream() -> AsyncIterator[bytes]:
        yield film[start : start + 500]
        begun.set()
        await overtaken.wait()
        yield film[start + 500 :] if good else bytes(2500)

    slow = asyncio.create_task(sender.patch(path, start, stream()))
    await begun.wait()
    assert (await sender.patch(path, start, film[start : start + 1000])).status == 204
    overtaken.set()

    late = await slow
    assert await code(late) == (409, "offset_mismatch")
    assert late.headers["Upload-Offset"] == str(start + 1000)
    assert (await sender.patch(path, start + 1000, film[start + 1000 :])).status == 204
    assert list((await originals(studio)).values()) == [film]


async def until(sender: Sender, path: str, offset: int) -> None:
    async with asyncio.timeout(10):
        while await sender.offset(path) != offset:
            await asyncio.sleep(0.02)


async def test_a_connection_that_breaks_loses_no_more_than_a_piece(
    sender: Sender, studio: Studio, film: bytes
) -> None:
    path = await sender.begin(len(film))
    async with sender.breaking_off(path, 0, film[:12_000], promised=len(film)):
        await until(sender, path, 8192)  # before the request has ended
    await until(sender, path, 12_000)

    assert (await sender.patch(path, 12_000, film[12_000:])).status == 204
    assert list((await originals(studio)).values()) == [film]


async def test_what_is_abandoned_expires(sender: Sender, studio: Studio, film: bytes) -> None:
    broom = PartsBroom(studio.database, studio.blobs)
    path = await sender.begin(len(film), film[:5000])
    studio.pass_time(23.9 * 3600)
    assert (await sender.patch(path, 5000, film[5000:6000])).status == 204
    studio.pass_time(23.9 * 3600)
    assert await broom.sweep() == 0
    assert await sender.offset(path) == 6000

    studio.pass_time(0.2 * 3600)
    for answer in (await sender.send("HEAD", path), await sender.patch(path, 6000, film[6000:])):
        assert answer.status == 410
    assert await broom.sweep() == 1
    await nothing_is_left(studio)
    assert (await sender.send("HEAD", path)).status == 410

    studio.pass_time(24.1 * 3600)
    assert await broom.sweep() == 0
    assert (await sender.send("HEAD", path)).status == 404
    assert await studio.databases.as_admin("select id from converter.uploads") == []


async def test_what_was_stored_in_vain_is_found_at_the_end(
    sender: Sender, studio: Studio, film: bytes, tmp_path: Path
) -> None:
    """A process died between storing a part and committing it."""
    path = await sender.begin(len(film), film[:5000])
    stray = f"default/uploads/{path.rpartition('/')[2]}-000000000005000-{new_id().hex}"
    (tmp_path / "stray").write_bytes(b"other bytes of the same place")
    await studio.blobs.put(stray, tmp_path / "stray", content_type="application/octet-stream")

    assert await sender.offset(path) == 5000
    assert (await sender.patch(path, 5000, film[5000:])).status == 204

    assert list((await originals(studio)).values()) == [film]


class Flaky(LocalBlobs):
    """A store that is away when told so."""

    away = False
    gone = False

    async def put(self, key: str, source: Path, *, content_type: str) -> Blob:
        if self.away:
            raise StorageUnavailable("away")
        return await super().put(key, source, content_type=content_type)

    async def delete(self, key: str) -> None:
        if self.gone:
            raise StorageUnavailable("away")
        await super().delete(key)


async def test_while_the_store_is_away_nothing_is_lost(
    studio: Studio, tmp_path: Path, film: bytes
) -> None:
    blobs = Flaky(tmp_path / "blobs")
    async with replica(studio, tmp_path, blobs=blobs) as sender:
        path = await sender.begin(len(film), film[:5000])
        blobs.away = True
        assert (await sender.patch(path, 5000, film[5000:6000])).status == 503
        assert (await sender.patch(path, 5000, film[5000:])).status == 503
        assert await sender.offset(path) == 5000
        blobs.away, blobs.gone = False, True
        assert (await sender.patch(path, 5000, film[5000:])).status == 204
        blobs.gone = False
        assert await PartsBroom(studio.database, blobs).sweep() == 0
    assert list((await originals(studio)).values()) == [film]


async def test_parts_that_were_lost_end_the_upload(
    sender: Sender, studio: Studio, film: bytes
) -> None:
    path = await sender.begin(len(film), film[:5000])
    for key in await studio.keys():
        await studio.blobs.delete(key)
    answer = await sender.patch(path, 5000, film[5000:])
    assert await code(answer) == (415, "parts_lost")
    assert (await sender.send("HEAD", path)).status == 410
    await nothing_is_left(studio)


async def test_a_body_that_stalls_keeps_what_came(
    sender: Sender, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.converter.upload._PATIENCE", 0.2)
    path = await sender.begin(len(film))
    never = asyncio.Event()

    async def stream() -> AsyncIterator[bytes]:
        yield film[:6000]
        await never.wait()

    answer = await sender.patch(path, 0, stream())
    assert await code(answer) == (408, "upload_stalled")
    assert await sender.offset(path) == 6000


async def test_replicas_that_share_an_s3_store(studio: Studio, tmp_path: Path, film: bytes) -> None:
    async with fresh_bucket(servers.ask("rclone")) as store:
        stores = [S3Blobs(S3Settings(**asdict(store))) for _ in range(2)]
        for each in stores:
            await each.open()
        async with (
            replica(studio, tmp_path, blobs=stores[0]) as one,
            replica(studio, tmp_path, blobs=stores[1]) as other,
        ):
            path = await one.begin(len(film), film[:10_000])
            assert (await other.patch(path, 10_000, film[10_000:20_000])).status == 204
            done = await one.patch(path, 20_000, film[20_000:])
        ident = done.headers["Content-Location"].rpartition("/")[2]
        assert [blob.key async for blob in stores[1].list("")] == [f"default/originals/{ident}"]
        async with stores[1].read(f"default/originals/{ident}") as download:
            assert b"".join([chunk async for chunk in download.chunks]) == film
        for each in stores:
            await each.close()
