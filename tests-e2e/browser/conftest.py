"""What the browser tests have at hand: a real browser, before a real product."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, StorageState, async_playwright, expect

from harness.client import Json
from harness.clips import make_clip
from harness.product import Product
from harness.screen import PATIENCE_MS, Screen, window
from services.gateway.console import BUNDLE
from shared.testing.chromium import FLAGS, NoChromium, chromium


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium; without one, or without the console's bundle, one clear line says so."""
    if not (BUNDLE / "index.html").is_file():
        pytest.fail("the browser tests need the console's bundle: make console", pytrace=False)
    try:
        path = chromium()
    except NoChromium as error:
        pytest.fail(str(error), pytrace=False)
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest.fixture
async def stranger(browser: Browser, product: Product) -> AsyncIterator[Screen]:
    """A window in which nobody is signed in."""
    async with window(browser, product.client.url) as screen:
        await screen.open()
        yield screen


@pytest.fixture(scope="session")
async def signed_in(browser: Browser, product: Product) -> StorageState:
    """What the administrator's browser keeps of having signed in; nobody may end this session."""
    async with window(browser, product.client.url) as screen:
        await screen.open()
        await screen.sign_in()
        return await screen.page.context.storage_state()


@pytest.fixture
async def screen(
    browser: Browser, product: Product, signed_in: StorageState
) -> AsyncIterator[Screen]:
    """A window in which the administrator is signed in; nothing is open in it yet."""
    async with window(browser, product.client.url, storage_state=signed_in) as screen:
        yield screen


@pytest.fixture(scope="session")
def snippet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shortest clip that will do, for what is to be converted anew."""
    target = tmp_path_factory.mktemp("clips") / "snippet.mp4"
    return make_clip(target, seconds=1, size="320x180", sound=False)


@pytest.fixture(scope="session")
async def film(product: Product, clip: Path) -> Json:
    """A completed asset."""
    asset = await product.client.upload(clip, title="Northern lights")
    return await product.client.completed(asset["id"])


@pytest.fixture(scope="session")
async def other_film(product: Product, film: Json, clip: Path) -> Json:
    """Another; of the same file, so that nothing is converted twice."""
    asset = await product.client.upload(clip, title="Ocean swell")
    return await product.client.completed(asset["id"])
