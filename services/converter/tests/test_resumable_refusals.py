"""Resumable uploads: what is refused, and that nothing is left of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.converter.resumable import rows
from services.converter.resumable.http import COLLECTION
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import Studio
from services.converter.tests.uploading import (
    STREAM,
    Sender,
    code,
    metadata,
    nothing_is_left,
    originals,
    replica,
)
from shared.runtime.ids import new_id


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
