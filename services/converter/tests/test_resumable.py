"""Resumable uploads, request by request."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from services.converter.resumable.http import COLLECTION
from services.converter.tests.studio import Studio
from services.converter.tests.uploading import (
    STREAM,
    Sender,
    checksum,
    code,
    metadata,
    originals,
    replica,
)
from shared.contracts.converter import AssetUploaded, TicketIssued
from shared.runtime.ids import new_id


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
