"""``python -m pictures``: take the pictures of the console that the documents show.

It takes some minutes: films are drawn and converted, and three days of work are done with them.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import imageio_ffmpeg
import structlog
from playwright.async_api import async_playwright, expect

from harness.launch import ROOT
from harness.product import in_this_process
from harness.screen import PATIENCE_MS, SETTLED, Screen, window
from pictures.story import BEGAN, Studio, happened
from shared.db.database import Clock
from shared.testing.chromium import FLAGS, chromium

SHOWN = ROOT / "docs" / "images"
MOST_BYTES = 80 * 1024


async def _assets(screen: Screen, _: Studio) -> None:
    await screen.open("/assets")
    await expect(screen.page.get_by_role("article").nth(8)).to_be_visible()


async def _asset(screen: Screen, studio: Studio) -> None:
    await screen.open(f"/assets/{studio.assets['Embers']['id']}")
    await expect(screen.page.locator("[data-part=assigned]")).to_contain_text("By Administrator")


async def _profile(screen: Screen, studio: Studio) -> None:
    await screen.open(f"/users/{studio.people['Mira Novák']['id']}")
    await expect(screen.page.locator("[data-part=current] video")).to_be_visible()
    await expect(screen.page.get_by_role("button", name="Revert")).to_have_count(10)


async def _audit(screen: Screen, _: Studio) -> None:
    await screen.open("/audit")
    await expect(screen.page.locator("[data-verified=true]")).to_be_visible()
    await expect(screen.page.get_by_role("list", name="Audit")).not_to_contain_text("…")


PICTURES: dict[str, Callable[[Screen, Studio], Awaitable[None]]] = {
    "assets": _assets,
    "asset": _asset,
    "profile": _profile,
    "audit": _audit,
}
"""The name of each, and the way to what it shows."""


def _keep(picture: Path, target: Path) -> None:
    """Keep a PNG as WebP. Raises ValueError if it gets too large to be shown in a document."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-i", str(picture)]
    quality = ["-c:v", "libwebp", "-quality", "70", "-compression_level", "6"]
    subprocess.run([*command, *quality, str(target)], check=True, timeout=60)
    if target.stat().st_size > MOST_BYTES:
        raise ValueError(f"{target} has {target.stat().st_size} bytes, and may have {MOST_BYTES}")


async def _take(screen: Screen, studio: Studio, directory: Path) -> None:
    await screen.open()
    await screen.sign_in()
    for name, lead in PICTURES.items():
        await lead(screen, studio)
        await screen.page.evaluate(SETTLED)
        picture = directory / f"{name}.png"
        await screen.page.screenshot(path=picture, animations="disabled")
        await asyncio.to_thread(_keep, picture, SHOWN / f"{name}.webp")


async def _main() -> None:
    expect.set_options(timeout=PATIENCE_MS)
    SHOWN.mkdir(exist_ok=True)
    clock = Clock()
    clock.offset = BEGAN
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="marquee-", dir="/tmp"))
        http = await enter(aiohttp.ClientSession())
        product = await enter(in_this_process(Path(place) / "data", http, clock))
        studio = await happened(product)
        playwright = await enter(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        screen = await enter(window(browser, product.client.url))
        await _take(screen, studio, Path(place))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(_main())
