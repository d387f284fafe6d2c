"""A conversion as the sidebar tells it: it fails, says why, is tried again and completes."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import expect

from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")

CONVERTED_MS = 120_000


def damage(film: bytes) -> bytes:
    """The same film with nothing left of its pictures."""
    start = film.index(b"mdat") + 4
    return film[:start] + bytes(len(film) - start)


async def test_a_failing_conversion_shows_its_error_and_is_retried(
    screen: Screen, product: Product, clip: Path, tmp_path: Path
) -> None:
    """MA-FR5.1.1, MA-FR5.2.1, 5.2.2, 5.2.6, 5.2.7, MA-S0.17."""
    whole = clip.read_bytes() + (16).to_bytes(4, "big") + b"free" + uuid4().bytes[:8]
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
    await screen.screenshots("failed")
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
    await expect(sidebar.locator("[data-part=progress]")).to_contain_text("%")
    await expect(sidebar).to_contain_text("Completed", timeout=CONVERTED_MS)
    await expect(sidebar.get_by_role("alert")).to_have_count(0)
    await expect(page.get_by_role("button", name="Assign to User")).to_be_visible()
    assert await page.evaluate("window.neverLeft")

    stage = page.get_by_role("region", name="Playground")
    await expect(stage.locator("video[data-rendition=webm]")).to_be_visible()
    await stage.get_by_text("GIF", exact=True).click()
    await expect(stage.locator("img[data-rendition=gif]")).to_be_visible()
    await expect(stage).to_contain_text("640 × 360")
    await screen.screenshots("asset")
    await screen.check_accessible()
