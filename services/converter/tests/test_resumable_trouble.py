"""Resumable uploads in trouble: twins, broken connections, lost stores, replicas that go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest

from services.converter.resumable.sweeping import PartsBroom
from services.converter.tests.studio import Studio
from services.converter.tests.uploading import (
    Sender,
    code,
    nothing_is_left,
    originals,
    replica,
)
from shared.blobs.local import LocalBlobs
from shared.blobs.port import Blob, StorageUnavailable
from shared.blobs.s3 import S3Blobs, S3Settings
from shared.runtime.ids import new_id
from shared.testing import servers
from shared.testing.s3 import fresh_bucket


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

    async def put(self, key: str, source: Path, *, content_type: str, give: bool = False) -> Blob:
        if self.away:
            raise StorageUnavailable("away")
        return await super().put(key, source, content_type=content_type, give=give)

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
