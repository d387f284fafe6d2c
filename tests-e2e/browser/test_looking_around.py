"""Finding one's way: in another language, through long lists, and quickly."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, StorageState, expect

from harness.plenty import ASSETS, ENTRIES, plenty_of_assets, plenty_of_entries
from harness.product import Product
from harness.screen import Screen, window

pytestmark = pytest.mark.xdist_group("browser")

FIRST_LOAD_BYTES = 350 * 1024
MOST_ELEMENTS = 1500


async def test_the_first_load_is_light(
    browser: Browser, product: Product, signed_in: StorageState
) -> None:
    async with window(browser, product.client.url, storage_state=signed_in) as fresh:
        page = fresh.page
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
    await plenty_of_assets(page)
    await screen.enter()
    newest = page.get_by_role("link", name=f"Asset {ASSETS}")
    await expect(newest).to_be_visible()
    assert await most_while_scrolling(page, page.get_by_role("article")) < 120
    await page.wait_for_function("document.documentElement.scrollHeight > 8000")
    await page.keyboard.press("Home")
    await expect(newest).to_be_visible()


async def test_a_hundred_thousand_entries_scroll_with_few_on_the_page(screen: Screen) -> None:
    await screen.enter()
    page = screen.page
    await plenty_of_entries(page)
    await page.get_by_role("link", name="Audit").click()
    entries = page.get_by_role("list", name="Audit").get_by_role("listitem")
    await expect(entries.first).to_contain_text(f"#{ENTRIES}")
    assert await most_while_scrolling(page, entries) < 60
    await page.wait_for_function("document.documentElement.scrollHeight > 20000")
    assert await page.evaluate("document.querySelectorAll('*').length") < MOST_ELEMENTS
    await page.keyboard.press("Home")
    await expect(entries.first).to_contain_text(f"#{ENTRIES}")


async def most_while_scrolling(page: Page, items: Locator) -> int:
    """How many items were on the page at most, while somebody scrolled far down."""
    most = 0
    for _ in range(40):
        await page.mouse.wheel(0, 4000)
        await page.wait_for_function("() => new Promise(requestAnimationFrame).then(() => true)")
        most = max(most, await items.count())
    return most


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
        await screen.look("assets-german")
        await screen.open("/assets/01a1fada-4838-7634-b0df-000000000000")
        await expect(page.get_by_role("alert")).to_contain_text("Dieses Asset gibt es nicht")


async def test_an_address_that_leads_nowhere_says_so(screen: Screen) -> None:
    await screen.open("/assets/01a1fada-4838-7634-b0df-000000000000")
    await expect(screen.page.get_by_role("alert")).to_contain_text("There is no asset with this id")
    await screen.open("/system/nothing/here")
    await expect(screen.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    await screen.check_accessible()
