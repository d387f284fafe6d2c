"""The page recovers by itself: a server that restarts, a session that ends, a socket refused."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from harness.client import Client
from harness.fleet import free_port
from harness.launch import launched
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD, Product
from harness.screen import Screen, window

pytestmark = pytest.mark.xdist_group("browser")


async def test_the_server_restarts_while_the_page_is_open(
    browser: Browser, http: aiohttp.ClientSession, clip: Path, tmp_path: Path
) -> None:
    environment = ADMINISTRATOR | {
        "MARQUEE_PORT": str(free_port()),
        "MARQUEE_DATA_DIR": str(tmp_path / "data"),
        "MARQUEE_PROBE_SECONDS": "10",
    }
    log = tmp_path / "log"
    async with (
        launched(log=log, environment=environment) as first,
        window(browser, first.url) as screen,
    ):
        page = screen.page
        await screen.open()
        await screen.sign_in()
        await page.get_by_placeholder("Search titles").fill("half a wo")
        await expect(page.get_by_role("heading", name="No matches")).to_be_visible()
        await page.evaluate("window.neverLeft = true")
        await first.stop()
        await expect(page.locator("[data-live=reconnecting]")).to_be_visible()
        async with launched(log=log, environment=environment) as second:
            await expect(page.locator("[data-live=live]")).to_be_visible(timeout=60_000)
            client = Client(second.url, http)
            await client.log_in(EMAIL, PASSWORD)
            await client.upload(clip, title="Half a word")
            await expect(page.get_by_role("link", name="Half a word")).to_be_visible()
            assert await page.get_by_placeholder("Search titles").input_value() == "half a wo"
            assert await page.evaluate("window.neverLeft")


async def test_an_ended_session_leads_to_sign_in_and_back(stranger: Screen) -> None:
    screen, page = stranger, stranger.page
    await screen.sign_in()
    await page.get_by_placeholder("Search titles").fill("what I typed")
    token = await page.evaluate(
        "fetch('/api/auth/session').then((a) => a.json()).then((s) => s.csrf_token)"
    )
    await page.evaluate(
        "(t) => fetch('/api/auth/logout', {method: 'POST', headers: {'X-CSRF-Token': t}})", token
    )
    dialog = page.get_by_role("dialog", name="Sign in again")
    await expect(dialog).to_be_visible()
    await expect(dialog.get_by_label("Email", exact=True)).to_have_value(EMAIL)
    await expect(dialog.get_by_label("Password", exact=True)).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_visible()
    await screen.look("session-ended")
    await screen.check_accessible()
    await dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await expect(page.locator("[data-live=live]")).to_be_visible()
    assert await page.get_by_placeholder("Search titles").input_value() == "what I typed"


async def test_where_sockets_do_not_get_through_the_page_polls(
    browser: Browser, product: Product, clip: Path
) -> None:
    async def refuse(socket: WebSocketRoute) -> None:
        await socket.close(code=1011)

    async with window(browser, product.client.url) as screen:
        await screen.page.route_web_socket("**/ws", refuse)
        await screen.open()
        await screen.sign_in(live="polling")
        await product.client.upload(clip, title="Seen by polling")
        await expect(screen.page.get_by_role("link", name="Seen by polling")).to_be_visible()
