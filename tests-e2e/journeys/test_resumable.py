"""Clients that others wrote upload, stop, and go on after the product was stopped or killed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from tusclient.exceptions import TusCommunicationError

from harness.client import Client
from harness.fleet import free_port
from harness.launch import launched
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD, Product
from harness.tus import UPLOADS, Browser, tuspy

HALF = 130_000
MORE = 100_000


@pytest.fixture(scope="session")
def film(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with room to stop in: padded by a box that players pass over."""
    path = tmp_path_factory.mktemp("films") / "aurora.mp4"
    padding = bytes(300_000)
    box = (len(padding) + 8).to_bytes(4) + b"free" + padding
    path.write_bytes(clip.read_bytes() + box)
    return path


@pytest.fixture
def browser(product: Product, tmp_path: Path) -> Browser:
    return Browser(product.client, tmp_path / "urls.json")


async def check_asset(client: Client, location: str, film: Path, title: str) -> None:
    """The asset is the file, byte by byte."""
    asset = await client.get(location)
    assert asset["sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()
    assert (asset["filename"], asset["title"]) == (film.name, title)
    await client.completed(asset["id"])


async def test_tuspy_uploads_with_checksums(product: Product, film: Path) -> None:
    def send() -> str:
        uploader = tuspy(product.client, film, upload_checksum=True)
        uploader.upload()
        return str(uploader.request.response_headers["content-location"])

    location = await asyncio.to_thread(send)

    await check_asset(product.client, location, film, "By Python")


async def test_tuspy_is_told_of_a_checksum_that_does_not_fit(product: Product, film: Path) -> None:
    def send() -> tuple[int, int]:
        uploader = tuspy(product.client, film, upload_checksum=True, retries=0)
        uploader.upload(stop_at=HALF)
        digest = hashlib.sha1(b"something else", usedforsecurity=False)
        uploader.__dict__["_BaseUploader__checksum_algorithm"] = lambda _: digest
        with pytest.raises(TusCommunicationError) as refused:
            uploader.upload()
        return refused.value.status_code, uploader.get_offset()

    assert await asyncio.to_thread(send) == (460, HALF)


async def test_tus_js_client_uploads_at_once(
    product: Product, browser: Browser, film: Path
) -> None:
    told = await browser.run("whole", film)

    await check_asset(product.client, told["location"], film, "From a browser")


async def test_tus_js_client_goes_on_where_it_stopped(
    product: Product, browser: Browser, film: Path
) -> None:
    started = await browser.run("start", film, stop_at=HALF)
    size = film.stat().st_size
    assert HALF <= started["accepted"] < size
    assert started["location"] is None

    resumed = await browser.run("resume", film)

    assert resumed["resumedAt"] == resumed["url"] == started["url"]
    await check_asset(product.client, resumed["location"], film, "From a browser")


async def test_tus_js_client_terminates(product: Product, browser: Browser, film: Path) -> None:
    told = await browser.run("abort", film, stop_at=HALF)
    path = told["url"].removeprefix(product.client.url)
    await product.client.call("GET", path, expect=410, headers={"Tus-Resumable": "1.0.0"})


async def test_what_is_abandoned_is_gone_after_a_day(product: Product, film: Path) -> None:
    def begin() -> str:
        uploader = tuspy(product.client, film)
        uploader.upload(stop_at=HALF)
        return str(uploader.url).removeprefix(product.client.url)

    path = await asyncio.to_thread(begin)
    speaks = {"Tus-Resumable": "1.0.0"}
    assert (await product.client.call("GET", path, expect=200, headers=speaks))["offset"] == HALF
    before = product.clock.offset
    try:
        product.clock.offset += timedelta(hours=24)
        await product.client.call("GET", path, expect=410, headers=speaks)
    finally:
        product.clock.offset = before


async def test_nobody_begins_without_a_token(product: Product, film: Path) -> None:
    stranger = Client(product.client.url, product.client.session)

    def begin() -> int:
        with pytest.raises(TusCommunicationError) as refused:
            tuspy(stranger, film).create_url()
        return int(refused.value.status_code)

    assert await asyncio.to_thread(begin) == 401


async def test_the_gateway_tells_what_uploads_can_do(product: Product) -> None:
    url = product.client.url + UPLOADS
    async with product.client.session.options(url) as answer:
        assert answer.status == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert "checksum" in answer.headers["Tus-Extension"]
        assert int(answer.headers["Tus-Max-Size"]) == 500 * 1024 * 1024


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_both_go_on_after_the_product_was_gone(
    tmp_path: Path, http: aiohttp.ClientSession, film: Path, how: str
) -> None:
    environment = {
        **ADMINISTRATOR,
        "MARQUEE_PORT": str(free_port()),
        "MARQUEE_DATA_DIR": str(tmp_path / "data"),
        "MARQUEE_PROBE_SECONDS": "10",
    }
    log = tmp_path / "log"

    async with launched(log=log, environment=environment) as first:
        client = Client(first.url, http)
        await client.log_in(EMAIL, PASSWORD)
        browser = Browser(client, tmp_path / "urls.json")
        await browser.run("start", film, stop_at=HALF)
        uploader = tuspy(client, film)
        await asyncio.to_thread(uploader.upload, HALF)
        sent = asyncio.Event()
        under_way = asyncio.create_task(_hang_half_way(client, str(uploader.url), film, sent))
        await asyncio.wait_for(sent.wait(), 10)
        if how == "kill":
            await first.kill()
        else:
            assert await first.stop() == 0
        await asyncio.wait_for(under_way, 10)

    async with launched(log=log, environment=environment) as second:
        assert second.url == first.url
        client = Client(second.url, http)
        await client.log_in(EMAIL, PASSWORD)
        told = await Browser(client, browser.store).run("resume", film)
        again = await asyncio.to_thread(lambda: tuspy(client, film, url=uploader.url))
        assert HALF <= again.offset <= HALF + MORE
        await asyncio.to_thread(again.upload)
        assert again.request is not None
        location = again.request.response_headers["content-location"]
        await check_asset(client, told["location"], film, "From a browser")
        await check_asset(client, location, film, "By Python")
        assert await second.stop() == 0
    assert list((tmp_path / "data/blobs/default/uploads").iterdir()) == []


async def _hang_half_way(client: Client, url: str, film: Path, sent: asyncio.Event) -> None:
    """Send some more in a request that never ends but with the product."""
    content = film.read_bytes()[HALF:]

    async def trickle() -> AsyncIterator[bytes]:
        yield content[:MORE]
        sent.set()
        await asyncio.Event().wait()

    headers = {
        **client.headers(),
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(len(content)),
        "Upload-Offset": str(HALF),
    }
    with suppress(aiohttp.ClientError):
        async with client.session.patch(url, data=trickle(), headers=headers) as answer:
            assert answer.status == 503
