"""Uploading: several files at once, live to their end; over a reload; and what is refused."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Request, expect

from harness.clips import make_audio_only
from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")

CONVERTED_MS = 120_000
MEGABYTE = 2**20


def copy_of(clip: Path, directory: Path, *, padding: int = 0) -> Path:
    """The clip under a name of its own, with as many bytes more as a player skips."""
    target = directory / f"clip-{uuid4().hex[:8]}.mp4"
    filler = (padding.to_bytes(4, "big") + b"free" + bytes(padding - 8)) if padding else b""
    target.write_bytes(clip.read_bytes() + filler)
    return target


def card(screen: Screen, file: Path) -> Locator:
    """The asset of a file on the page."""
    title = screen.page.get_by_role("link", name=file.stem.replace("_", " "), exact=True)
    return screen.page.get_by_role("article").filter(has=title)


async def test_two_files_are_dropped_and_seen_to_complete(
    screen: Screen, product: Product, clip: Path, tmp_path: Path
) -> None:
    await screen.enter()
    files = [copy_of(clip, tmp_path) for _ in range(2)]
    await screen.page.evaluate("window.neverLeft = true")
    await screen.drop(*files)
    tray = screen.page.get_by_role("region", name="Uploads")
    await expect(tray.locator("[data-upload=done]")).to_have_count(2)
    for file in files:
        await expect(card(screen, file)).to_contain_text("Completed", timeout=CONVERTED_MS)
        await expect(card(screen, file).locator("img")).to_have_count(1)
    await screen.look("assets")
    await screen.check_accessible()
    await check_moves_when_pointed_at(screen, product, files[0])
    await screen.page.get_by_title("List").click()
    await screen.look("assets-list")
    await screen.check_accessible()
    assert await screen.page.evaluate("window.neverLeft")


async def check_moves_when_pointed_at(screen: Screen, product: Product, file: Path) -> None:
    """The thumbnail stands still until one points at it; then it is the GIF."""
    found = await product.client.get("/api/admin/assets", query=file.stem)
    asset, picture = found["items"][0], card(screen, file).locator("img")
    await screen.page.emulate_media(reduced_motion="no-preference")
    await expect(picture).to_have_attribute("src", asset["thumbnail_url"])
    await card(screen, file).hover()
    await expect(picture).to_have_attribute("src", asset["gif_url"])
    await screen.page.emulate_media(reduced_motion="reduce")
    await expect(picture).to_have_attribute("src", asset["thumbnail_url"])


async def test_a_reload_in_the_middle_of_an_upload_resumes_it(
    screen: Screen, clip: Path, tmp_path: Path
) -> None:
    await screen.enter()
    page, file = screen.page, copy_of(clip, tmp_path, padding=24 * MEGABYTE)
    offsets: list[int] = []

    def note(request: Request) -> None:
        if request.method == "PATCH":
            offsets.append(int(request.headers["upload-offset"]))

    page.on("request", note)
    line = await page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1}
    await line.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": 3 * MEGABYTE})
    await screen.choose_files(file)
    await expect(page.locator("[data-upload=sending]")).to_have_count(1)
    async with page.expect_request(lambda each: each.method == "PATCH" and offsets[-1] > 0):
        pass
    began = len(offsets)
    await page.reload()
    await line.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    await expect(page.locator("[data-upload=done]")).to_have_count(1, timeout=60_000)
    assert len(offsets) > began
    assert min(offsets[began:]) > 0, "it went on where it was"
    await expect(card(screen, file)).to_be_visible()
    await page.reload()
    await expect(card(screen, file)).to_be_visible()
    await expect(page.locator("[data-upload]")).to_have_count(0)


async def test_an_upload_is_paused_resumed_and_cancelled(
    screen: Screen, clip: Path, tmp_path: Path
) -> None:
    await screen.enter()
    page, file = screen.page, copy_of(clip, tmp_path, padding=24 * MEGABYTE)
    line = await page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1}
    await line.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": MEGABYTE})
    await screen.choose_files(file)
    item = page.locator("[data-upload]")
    await expect(item).to_contain_text("left")
    await page.get_by_role("button", name="Pause").click()
    await expect(item).to_contain_text("Paused at")
    await screen.look("upload")
    await screen.check_accessible()
    await page.get_by_role("button", name="Resume").click()
    await expect(item).to_have_attribute("data-upload", "sending")
    async with page.expect_request(lambda each: each.method == "DELETE") as asked:
        await page.get_by_role("button", name="Cancel").click()
    gone = await (await asked.value).response()
    assert gone is not None
    assert gone.status == 204
    await expect(item).to_have_count(0)


async def test_what_is_no_video_is_refused_before_it_is_sent(
    screen: Screen, tmp_path: Path
) -> None:
    await screen.enter()
    page, sent = screen.page, []
    page.on("request", lambda request: sent.append(request.url + request.method))
    text, empty = tmp_path / "notes.mp4", tmp_path / "empty.mp4"
    text.write_text("These are notes, and no video.")
    empty.touch()
    await screen.choose_files(text, empty)
    await expect(page.locator("[data-upload=refused]")).to_have_count(2)
    await expect(page.get_by_text("this is no MP4 or MOV video")).to_be_visible()
    await expect(page.get_by_text("the file is empty")).to_be_visible()
    assert not [each for each in sent if each.endswith("/uploadsPOST")]


async def test_what_only_the_server_can_refuse_says_why(
    screen: Screen, product: Product, tmp_path: Path
) -> None:
    await screen.enter()
    page, sound = screen.page, make_audio_only(tmp_path / "song.mp4")
    await screen.choose_files(sound)
    refused = page.locator("[data-upload=refused]")
    await expect(refused).to_contain_text("video")
    await expect(refused.get_by_role("button", name="Copy the trace id")).to_be_visible()
