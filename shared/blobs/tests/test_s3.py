"""Blobs in an S3-compatible store, against two different servers."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from shared.blobs.port import BlobNotFound, StorageUnavailable
from shared.blobs.s3 import S3Blobs, S3Settings
from shared.testing import servers
from shared.testing.blob_conformance import KEY, MIB, BlobConformance, content, write
from shared.testing.s3 import S3, fresh_bucket

PUT = """
import asyncio, sys
from pathlib import Path
from shared.blobs.s3 import S3Blobs, S3Settings

async def main(source, key, bucket, endpoint, region, access_key, secret_key):
    settings = S3Settings(bucket, endpoint, region, access_key, secret_key)
    store = S3Blobs(settings, part_size=5 * 1024 * 1024)
    await store.open()
    await store.put(key, Path(source), content_type="x/y")

asyncio.run(main(*sys.argv[1:]))
"""


def settings_for(place: S3, public_endpoint: str | None = None) -> S3Settings:
    """Where the bucket is."""
    return S3Settings(
        bucket=place.bucket,
        endpoint=place.endpoint,
        region=place.region,
        access_key=place.access_key,
        secret_key=place.secret_key,
        public_endpoint=public_endpoint,
    )


@asynccontextmanager
async def opened(settings: S3Settings) -> AsyncIterator[S3Blobs]:
    """An open store that sends parts as small as S3 allows."""
    store = S3Blobs(settings, part_size=5 * MIB)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


class S3Conformance(BlobConformance):
    """What holds for S3-compatible stores; inherit, and name the ``server``."""

    server: ClassVar[str]

    @pytest.fixture(scope="class")
    async def place(self) -> AsyncIterator[S3]:
        async with fresh_bucket(servers.ask(self.server)) as place:
            yield place

    @pytest.fixture(scope="class")
    async def store(self, place: S3) -> AsyncIterator[S3Blobs]:
        """One for the class: making a client takes longer than most of its tests."""
        async with opened(settings_for(place)) as store:
            yield store

    @pytest.fixture
    async def blobs(self, store: S3Blobs) -> AsyncIterator[S3Blobs]:
        yield store
        for key in [blob.key async for blob in store.list("")]:
            await store.delete(key)
        await store.sweep(older_than=-60)

    async def test_parts_left_by_a_killed_process_are_swept(
        self, place: S3, blobs: S3Blobs, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        with source.open("wb") as file:
            file.truncate(400 * MIB)
        where = (place.bucket, place.endpoint, place.region, place.access_key, place.secret_key)
        putting = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PUT, source, KEY, *where
        )
        try:
            async with asyncio.timeout(30):
                while not await blobs._uploads.begun():
                    await asyncio.sleep(0.01)
        finally:
            putting.kill()
            await putting.wait()
        with pytest.raises(BlobNotFound):
            await blobs.stat(KEY)
        assert await blobs.sweep(older_than=-60) == 1
        assert await blobs.sweep(older_than=-60) == 0

    async def test_lists_more_than_one_page(
        self, blobs: S3Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.blobs.s3.PAGE", 10)
        source = write(tmp_path / "a", b"x")
        keys = [f"t/many/{n:02}" for n in range(25)]
        for key in keys:
            await blobs.put(key, source, content_type="x/y")
        assert [blob.key async for blob in blobs.list("t/many/")] == keys

    async def test_makes_its_bucket(self, place: S3, tmp_path: Path) -> None:
        elsewhere = replace(settings_for(place), bucket=f"test-{uuid4().hex}")
        for _ in range(2):
            async with opened(elsewhere) as store:
                await store.put(KEY, write(tmp_path / "a", b"x"), content_type="x/y")

    async def test_presigned_urls_name_the_public_endpoint(
        self, place: S3, blobs: S3Blobs, tmp_path: Path
    ) -> None:
        assert await blobs.presign(KEY, seconds=60, content_type="video/mp4") is None
        await blobs.put(KEY, write(tmp_path / "a", b"moving"), content_type="video/mp4")
        public = place.endpoint.replace("127.0.0.1", "localhost")
        async with opened(settings_for(place, public)) as store:
            url = await store.presign(KEY, seconds=60, content_type="video/mp4")
        assert url is not None
        assert url.startswith(public)
        ipv4 = aiohttp.TCPConnector(family=socket.AF_INET)
        async with aiohttp.ClientSession(connector=ipv4) as session, session.get(url) as got:
            assert await got.read() == b"moving"


class TestOnMoto(S3Conformance):
    """The port on moto's server."""

    server = "moto"


class TestOnRclone(S3Conformance):
    """The port on rclone's server, which checks signatures."""

    server = "rclone"

    async def test_the_sweep_spares_what_has_just_begun(self, place: S3, blobs: S3Blobs) -> None:
        """Not on moto, where every upload began in 2010."""
        await blobs._s3.create_multipart_upload(Bucket=place.bucket, Key=KEY)
        assert await blobs.sweep(older_than=60) == 0
        assert await blobs.sweep(older_than=-60) == 1


class FaultyStore:
    """Passes requests on to a real store, except those that ``fault`` answers itself."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.url = ""
        self.faults: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Break the oldest fault whose method matches, else forward."""
        if self.faults and self.faults[0].startswith(request.method):
            return await self._break(request, self.faults.pop(0))
        body = await request.read()
        headers = {k: v for k, v in request.headers.items() if k.lower() != "content-length"}
        url = self.upstream + request.raw_path
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(request.method, url, data=body, headers=headers) as answer,
        ):
            passed = {k: v for k, v in answer.headers.items() if k not in ("Date", "Server")}
            return web.Response(status=answer.status, body=await answer.read(), headers=passed)

    async def _break(self, request: web.Request, fault: str) -> web.StreamResponse:
        if fault.endswith("503"):
            return web.Response(status=503)
        if fault.endswith("truncate"):
            response = web.StreamResponse(headers={"Content-Length": str(MIB), "ETag": '"x"'})
            response.last_modified = 0
            await response.prepare(request)
            await response.write(b"x" * 10)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


@pytest.fixture
async def faulty(moto_s3: S3) -> AsyncIterator[tuple[FaultyStore, S3Blobs]]:
    """A store behind a proxy that misbehaves on demand."""
    store = FaultyStore(moto_s3.endpoint)
    app = web.Application(client_max_size=64 * MIB)
    app.router.add_route("*", "/{path:.*}", store.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    store.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with opened(settings_for(replace(moto_s3, endpoint=store.url))) as blobs:
        yield store, blobs
    await runner.cleanup()


async def test_parts_are_sent_again_after_trouble(
    faulty: tuple[FaultyStore, S3Blobs], tmp_path: Path
) -> None:
    store, blobs = faulty
    store.faults = ["PUT 503", "PUT reset", "POST 503", "HEAD 503"]
    put = await blobs.put(KEY, write(tmp_path / "a", b"x" * 12 * MIB), content_type="video/mp4")
    assert put.size == 12 * MIB
    assert store.faults == []


async def test_an_upload_that_cannot_go_on_is_aborted(
    faulty: tuple[FaultyStore, S3Blobs], tmp_path: Path
) -> None:
    store, blobs = faulty
    store.faults = ["PUT 503"] * 12  # three parts, four attempts each
    with pytest.raises(StorageUnavailable):
        await blobs.put(KEY, write(tmp_path / "a", b"x" * 12 * MIB), content_type="video/mp4")
    store.faults = []
    with pytest.raises(BlobNotFound):
        await blobs.stat(KEY)
    assert await blobs.sweep(older_than=-60) == 0


async def test_a_broken_download_is_resumed(
    faulty: tuple[FaultyStore, S3Blobs], tmp_path: Path
) -> None:
    store, blobs = faulty
    data = bytes(range(256)) * 4096
    await blobs.put(KEY, write(tmp_path / "a", data), content_type="video/mp4")
    store.faults = ["GET reset"]
    await blobs.fetch(KEY, tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == data


async def test_a_stream_that_ends_early_is_an_error(
    faulty: tuple[FaultyStore, S3Blobs], tmp_path: Path
) -> None:
    store, blobs = faulty
    await blobs.put(KEY, write(tmp_path / "a", b"x" * MIB), content_type="video/mp4")
    store.faults = ["GET truncate"]
    with pytest.raises(StorageUnavailable):
        async with blobs.read(KEY) as download:
            await content(download.chunks)


async def test_a_store_that_is_away_is_waited_for(
    faulty: tuple[FaultyStore, S3Blobs], moto_s3: S3
) -> None:
    store, _ = faulty
    store.faults = ["HEAD 503"] * 4
    elsewhere = replace(settings_for(moto_s3), bucket="later", endpoint=store.url)

    async with opened(elsewhere) as late:
        assert not store.faults, "it asked as often as it ever does, and opened all the same"
        async with asyncio.timeout(30):
            while not await late.reachable():
                await asyncio.sleep(0.05)


async def test_a_store_that_is_away_can_be_let_go() -> None:
    async with opened(settings_for(S3("http://127.0.0.1:9", "any"))) as store:
        assert not await store.reachable()


async def test_a_store_that_refuses_is_not_reachable(rclone_s3: S3) -> None:
    async with opened(settings_for(replace(rclone_s3, secret_key="wrong"))) as store:
        assert not await store.reachable()
