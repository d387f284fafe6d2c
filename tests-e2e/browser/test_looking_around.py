"""Finding one's way: by keyboard, in another language, through long lists, and quickly."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from harness.product import Product
from harness.screen import Screen, window

pytestmark = pytest.mark.xdist_group("browser")

FIRST_LOAD_BYTES = 350 * 1024
MANY = 10_000
PAGE = 60


async def test_the_first_load_is_light(browser: Browser, screen: Screen) -> None:
    cookies = await screen.page.context.cookies()
    async with window(browser, screen.url) as fresh:
        page = fresh.page
        await page.context.add_cookies(cookies)  # type: ignore[arg-type]  # the same, read and set
        line = await page.context.new_cdp_session(page)
        sizes: dict[str, float] = {}
        pictures: set[str] = set()

        def note(told: dict[str, Any]) -> None:
            """The thumbnails of whatever other tests uploaded are not the console's weight."""
            if "/media/" in told["response"]["url"]:
                pictures.add(told["requestId"])

        def finish(told: dict[str, Any]) -> None:
            sizes[told["requestId"]] = told["encodedDataLength"]

        line.on("Network.responseReceived", note)
        line.on("Network.loadingFinished", finish)
        await line.send("Network.enable")
        await fresh.open()
        await expect(page.locator("[data-live=live]")).to_be_visible()
        await expect(page.get_by_role("heading", name="Assets")).to_be_visible()
        await page.evaluate("document.fonts.ready")
        ready = await page.evaluate("performance.getEntriesByName('usable')[0].startTime")
        received = sum(size for request, size in sizes.items() if request not in pictures)
        print(f"first load: {received / 1024:.0f} KiB, usable after {ready:.0f} ms")
        assert 0 < received <= FIRST_LOAD_BYTES


async def test_ten_thousand_assets_scroll_with_few_on_the_page(screen: Screen) -> None:
    page = screen.page

    async def answer(route: Route) -> None:
        """Assets that no database needs to hold: what is tested is the page."""
        start = int(route.request.url.partition("cursor=")[2].partition("&")[0] or 0)
        more = start + PAGE if start + PAGE < MANY else None
        items = [_asset(MANY - number) for number in range(start, min(MANY, start + PAGE))]
        cursor = str(more) if more else None
        await route.fulfill(json={"items": items, "next_cursor": cursor})

    await page.route("**/api/admin/assets?*", answer)
    await page.reload()
    await expect(page.get_by_role("link", name="Asset 10000")).to_be_visible()
    for _ in range(40):
        await page.mouse.wheel(0, 4000)
        await page.wait_for_function("() => new Promise(requestAnimationFrame).then(() => true)")
    assert await page.locator("article").count() < 120
    await page.wait_for_function("document.documentElement.scrollHeight > 8000")
    await page.keyboard.press("Home")
    await expect(page.get_by_role("link", name="Asset 10000")).to_be_visible()


def _asset(number: int) -> dict[str, object]:
    absent = ("width", "height", "conversion_error", "conversion_error_code", "gif_url")
    urls = ("webm_url", "mp4_url", "thumbnail_url", "user_id", "assigned_at", "assigned_by")
    return dict.fromkeys((*absent, *urls, "created_by", "deleted_at", "duration_seconds")) | {
        "id": f"01a1fada-4838-7634-b0df-{number:012d}",
        "title": f"Asset {number}",
        "filename": f"{number}.mp4",
        "size_bytes": 1000,
        "sha256": "00",
        "conversion_status": "completed",
        "progress": 100,
        "active_assignment_count": 0,
        "created_at": f"2026-01-01T00:00:00.{number:06d}Z",
    }


async def test_everything_is_reached_from_the_keyboard(screen: Screen) -> None:
    page = screen.page
    await page.keyboard.press("/")
    await expect(page.get_by_placeholder("Search titles")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.locator("body").click(position={"x": 5, "y": 400})
    await page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(help_).to_be_visible()
    await screen.screenshots("help")
    await screen.check_accessible()
    await page.keyboard.press("Escape")
    await expect(help_).to_have_count(0)
    await page.keyboard.press("Control+k")
    await expect(page.get_by_placeholder("Go somewhere")).to_be_focused()
    await screen.screenshots("palette")
    await screen.check_accessible()


async def test_the_console_speaks_german(browser: Browser, product: Product) -> None:
    async with window(browser, product.client.url, locale="de-DE") as screen:
        page = screen.page
        await screen.open()
        await expect(page.get_by_role("heading", name="Bei Marquee anmelden")).to_be_visible()
        await page.get_by_role("button", name="Sprache").click()
        await page.get_by_role("menuitem", name="English").click()
        await screen.sign_in()
        await page.get_by_role("button", name="Account").click()
        await page.get_by_role("menuitem", name="Deutsch").click()
        await expect(page.get_by_role("button", name="Videos hochladen").first).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("button", name="Videos hochladen").first).to_be_visible()
        assert await page.evaluate("document.documentElement.lang") == "de"
        await screen.screenshots("assets-german")


async def test_an_address_that_leads_nowhere_says_so(screen: Screen) -> None:
    await screen.open("/assets/01a1fada-4838-7634-b0df-000000000000")
    await expect(screen.page.get_by_role("alert")).to_contain_text("There is no asset")
    await screen.open("/system/nothing/here")
    await expect(screen.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    await screen.check_accessible()
