"""``console``: the first page with an empty cache, and the frames while long lists are scrolled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from statistics import quantiles

from playwright.async_api import Browser, Page, async_playwright, expect

from benchmarks.bench import Bench
from benchmarks.figures import alone, at_most
from harness.launch import launched
from harness.plenty import plenty_of_assets, plenty_of_entries
from harness.product import ADMINISTRATOR
from harness.screen import Screen, window
from shared.testing.chromium import FLAGS, chromium

TARGETS = {
    "console": at_most(1.5, "s"),
    "console.assets_frame": at_most(34, "ms"),
    "console.audit_frame": at_most(34, "ms"),
}

SCROLLED = """async ([steps, pixels]) => {
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  let before = await frame();
  for (let step = 0; step < steps; step++) {
    scrollBy(0, pixels);
    const now = await frame();
    times.push(now - before);
    before = now;
  }
  return times;
}"""
"""Scrolls with every frame; how long each took, in milliseconds."""


async def measure(bench: Bench) -> None:
    """What `make run` starts, and a browser beside it; a frame is the p99 of a scroll's."""
    environment = {"MARQUEE_PORT": "0", "MARQUEE_DATA_DIR": str(bench.directory / "console")}
    log = bench.directory / "console.log"
    async with (
        launched(log=log, environment=ADMINISTRATOR | environment, within=120) as process,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        usable = await bench.times(lambda: _usable(browser, process.url))
        bench.report(alone("console", TARGETS, usable))
        for name, path, plenty in (
            ("console.assets_frame", "/assets", plenty_of_assets),
            ("console.audit_frame", "/audit", plenty_of_entries),
        ):
            steps = bench.size(600, 60)
            frames = await _frames(browser, process.url, path, plenty, steps)
            slowest = quantiles(frames, n=100)[-1]
            notes = {"p50": quantiles(frames, n=2)[0], "worst": max(frames), "frames": steps}
            bench.report(alone(name, TARGETS, [slowest], **notes))


async def _usable(browser: Browser, url: str) -> float:
    """Seconds from the navigation of who is signed in until the page can be used."""
    async with window(browser, url) as first:
        await first.open()
        await first.sign_in()
        kept = await first.page.context.storage_state()
    async with window(browser, url, storage_state=kept) as screen:
        await screen.open()
        await screen.alive()
        told = "performance.getEntriesByName('usable')[0].startTime"
        return float(await screen.page.evaluate(told)) / 1000


async def _frames(
    browser: Browser, url: str, path: str, plenty: Callable[[Page], Awaitable[None]], steps: int
) -> list[float]:
    async with window(browser, url) as screen:
        await plenty(screen.page)
        await screen.open(path)
        await screen.sign_in()
        await _filled(screen)
        return list(await screen.page.evaluate(SCROLLED, [steps, 120]))


async def _filled(screen: Screen) -> None:
    rows = screen.page.locator("#main :is([data-asset], [role=listitem])")
    await expect(rows.nth(5)).to_be_visible()
