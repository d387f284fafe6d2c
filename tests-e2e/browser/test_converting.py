"""A conversion as the sidebar tells it: it waits, runs, is cancelled, fails, and is tried again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import expect

from harness.clips import damage, make_clip, renewed
from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")

CONVERTED_MS = 120_000


async def test_a_conversion_waits_runs_and_is_cancelled(
    screen: Screen, product: Product, tmp_path: Path
) -> None:
    """MA-FR5.1.1, MA-FR5.2.1, 5.2.2: two assets of the same bytes are converted one at a time."""
    page, film = screen.page, make_clip(tmp_path / "long.mp4", seconds=40)
    first = await product.client.upload(film, title="First of twins")
    second = await product.client.upload(film, title="Second of twins")
    sidebar = page.get_by_role("complementary")
    await screen.open(f"/assets/{second['id']}")
    await expect(sidebar.locator("[data-status=pending]")).to_have_text("Pending")
    await expect(page.get_by_role("button", name="Assign to User")).to_have_count(0)
    await sidebar.get_by_role("button", name="Cancel").click()
    await expect(sidebar.locator("[data-status=failed]")).to_have_text("Failed")
    await expect(sidebar.get_by_role("alert")).to_contain_text("cancelled")

    await screen.open(f"/assets/{first['id']}")
    await expect(sidebar.locator("[data-status=processing]")).to_contain_text("Processing")
    await expect(sidebar.get_by_role("progressbar")).to_be_visible()
    await expect(sidebar.locator("[data-part=progress]")).to_contain_text("%")
    await expect(page.get_by_role("button", name="Assign to User")).to_have_count(0)
    await sidebar.get_by_role("button", name="Cancel").click()
    await expect(sidebar.locator("[data-status=failed]")).to_have_text("Failed")
    await expect(sidebar.get_by_role("button", name="Retry")).to_be_visible()
    for each in (first, second):
        cancelled = await product.client.asset(each["id"])
        assert cancelled["conversion_error_code"] == "cancelled"


async def test_a_failing_conversion_shows_its_error_and_is_retried(
    screen: Screen, product: Product, snippet: Path, tmp_path: Path
) -> None:
    """MA-FR5.1.1, MA-FR5.2.1, 5.2.2, 5.2.6, 5.2.7, MA-S0.17."""
    whole = renewed(snippet.read_bytes())
    damaged = tmp_path / f"{uuid4().hex[:8]}.mp4"
    damaged.write_bytes(damage(whole))
    asset = await product.client.upload(damaged, title="Damaged reel")
    page = screen.page
    await screen.open(f"/assets/{asset['id']}")
    await page.evaluate("window.neverLeft = true")
    sidebar = page.get_by_role("complementary")
    await expect(sidebar).to_contain_text("Failed")
    await expect(sidebar.get_by_role("alert")).to_contain_text("No picture of the video")
    await expect(page.get_by_role("button", name="Assign to User")).to_have_count(0)
    await screen.look("failed")
    await screen.check_accessible()

    stored = [
        path
        for path in (product.data_dir / "blobs").rglob("*")
        if path.is_file() and path.read_bytes() == damaged.read_bytes()
    ]
    assert stored
    for path in stored:
        path.write_bytes(whole)
    await sidebar.get_by_role("button", name="Retry").click()
    await expect(sidebar).to_contain_text("Completed", timeout=CONVERTED_MS)
    await expect(sidebar.get_by_role("alert")).to_have_count(0)
    await expect(page.get_by_role("button", name="Assign to User")).to_be_visible()
    assert await page.evaluate("window.neverLeft")

    stage = page.get_by_role("region", name="Playground")
    await expect(stage.locator("video[data-rendition=webm]")).to_be_visible()
    await stage.get_by_text("GIF", exact=True).click()
    await expect(stage.locator("img[data-rendition=gif]")).to_be_visible()
    await expect(stage).to_contain_text("320 × 180")
    await screen.look("asset")
    await screen.check_accessible()


async def test_what_ffmpeg_said_last_is_shown(
    screen: Screen, product: Product, snippet: Path, tmp_path: Path
) -> None:
    """MA-FR5.2.6: a film that begins well, so that it is ffmpeg who gives up on it."""
    broken = tmp_path / f"{uuid4().hex[:8]}.mp4"
    broken.write_bytes(damage(renewed(snippet.read_bytes()), kept=0.3))
    asset = await product.client.upload(broken, title="Broken off")
    sidebar = screen.page.get_by_role("complementary")
    await screen.open(f"/assets/{asset['id']}")

    failure = sidebar.get_by_role("alert")
    for _ in range(60):  # it is tried four times, later and later: time is made to pass
        if await failure.count() > 0:
            break
        product.clock.offset += timedelta(seconds=10)
        await asyncio.sleep(0.5)
    await expect(failure).to_contain_text("ffmpeg ended with status 69")
    lines = sidebar.get_by_label("The last lines of ffmpeg")
    await expect(lines).to_contain_text("Conversion failed!")
    await expect(sidebar).to_contain_text("ffmpeg_failed")
