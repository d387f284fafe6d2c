"""The whole way of an assignment without a mouse."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.async_api import Locator, expect

from harness.client import Json
from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")

MOST_STOPS = 40


async def tab_to(screen: Screen, target: Locator) -> None:
    """Press Tab until it has the focus, and see that one would see so."""
    for _ in range(MOST_STOPS):
        await screen.page.keyboard.press("Tab")
        if await target.evaluate("(element) => element === document.activeElement"):
            shown = "(element) => getComputedStyle(element).outlineStyle"
            assert await target.evaluate(shown) != "none"
            return
    raise AssertionError(f"{target} is not reached by Tab")


async def test_an_asset_is_found_given_and_taken_back_by_keyboard(
    screen: Screen, product: Product, film: Json, other_film: Json
) -> None:
    page, keyboard = screen.page, screen.page.keyboard
    ada = await product.client.create_user(f"ada-{uuid4().hex[:8]}@example.com")
    cards = page.get_by_role("article")
    await screen.enter()
    await expect(cards.nth(1)).to_be_visible()
    await keyboard.press("j")
    await expect(cards.nth(0).get_by_role("link")).to_be_focused()
    await keyboard.press("j")
    await expect(cards.nth(1).get_by_role("link")).to_be_focused()
    await keyboard.press("k")
    await expect(cards.nth(0).get_by_role("link")).to_be_focused()
    await keyboard.press("x")
    await expect(page.get_by_role("toolbar", name="Selected assets")).to_contain_text("1 selected")
    await keyboard.press("Escape")
    await expect(page.get_by_role("toolbar", name="Selected assets")).to_have_count(0)

    await keyboard.press("/")
    await keyboard.type(film["title"])
    await expect(cards).to_have_count(1)
    await keyboard.press("ArrowDown")
    await expect(cards.get_by_role("link")).to_be_focused()
    await keyboard.press("Enter")
    await expect(page.get_by_role("heading", name=film["title"], level=1)).to_be_visible()

    await tab_to(screen, page.get_by_role("button", name="Assign to User"))
    await keyboard.press("Enter")
    modal = page.get_by_role("dialog", name="Assign to User")
    await expect(modal.get_by_role("searchbox")).to_be_focused()
    await keyboard.type(ada["email"])
    person = modal.locator(f"[data-user='{ada['id']}']").get_by_role("checkbox")
    await expect(modal.locator("[data-user]")).to_have_count(1)
    await tab_to(screen, person)
    await keyboard.press("Space")
    await tab_to(screen, modal.get_by_role("button", name="Assign to 1 person"))
    await keyboard.press("Enter")
    await expect(modal.get_by_text(f"{ada['name']} now has")).to_be_visible()
    await keyboard.press("Escape")
    await expect(modal).to_have_count(0)
    await expect(page.get_by_role("button", name="Assign to User")).to_be_focused()

    await keyboard.press("g")
    await keyboard.press("u")
    users = page.get_by_role("list", name="Users").get_by_role("listitem")
    await expect(users.nth(1)).to_be_visible()
    await keyboard.press("j")
    await expect(users.nth(0).get_by_role("link")).to_be_focused()
    await keyboard.press("ArrowDown")
    await expect(users.nth(1).get_by_role("link")).to_be_focused()
    await keyboard.press("Control+z")
    await expect(page.get_by_text("Undone for 1 person.")).to_be_visible()
    held = await product.client.get(f"/api/admin/users/{ada['id']}/assignment")
    assert held == {"assignment": None}


async def test_the_palette_finds_places_assets_and_people(
    screen: Screen, product: Product, film: Json
) -> None:
    await screen.enter()
    page, keyboard = screen.page, screen.page.keyboard
    name = f"Ada Lovelace {uuid4().hex[:8]}"
    ada = await product.client.create_user(f"{uuid4().hex[:8]}@example.com", name=name)
    wanted = page.get_by_placeholder("Go somewhere")
    await keyboard.press("Control+k")
    await expect(wanted).to_be_focused()
    await keyboard.type(name)
    await expect(page.get_by_role("dialog").get_by_text(ada["email"])).to_be_visible()
    await screen.look("palette")
    await screen.check_accessible()
    await keyboard.press("Enter")
    await expect(page).to_have_url(f"{screen.url}/users/{ada['id']}")
    await keyboard.press("Control+k")
    await expect(wanted).to_be_focused()
    await keyboard.type(film["title"])
    await expect(page.get_by_role("dialog").get_by_text(film["filename"]).first).to_be_visible()
    await keyboard.press("Enter")
    await expect(page.get_by_role("heading", name=film["title"], level=1)).to_be_visible()
    await keyboard.press("Control+k")
    await expect(wanted).to_be_focused()
    await keyboard.type("Operat")
    await keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Operations", level=1)).to_be_visible()


async def test_every_key_is_told(screen: Screen) -> None:
    await screen.enter()
    page = screen.page
    await page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(help_).to_be_visible()
    await screen.look("help")
    await screen.check_accessible()
    await page.keyboard.press("Escape")
    await expect(help_).to_have_count(0)
