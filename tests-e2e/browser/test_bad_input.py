"""What is refused is said beside its field; what fails by the way costs nobody what they typed."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.async_api import Route, expect

from harness.client import Json
from harness.product import EMAIL, PASSWORD, Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")

TOO_LONG = "x" * 201
REFUSED = re.compile("At most 200 characters")


async def test_words_that_are_refused_are_refused_beside_their_field(screen: Screen) -> None:
    page = screen.page
    for address in ("/assets", "/users"):
        await screen.open(address)
        field = page.get_by_role("searchbox")
        await field.fill(TOO_LONG)
        await expect(field).to_have_accessible_description(REFUSED)
        await expect(page.get_by_role("alert")).to_have_count(0)
        await field.fill("")
        await expect(field).not_to_have_attribute("aria-invalid", "true")
    await screen.open("/audit?from=2026-13-45&user=nobody")
    await expect(page.get_by_role("list", name="Audit")).to_be_visible()


async def test_a_session_that_ends_in_the_middle_of_an_assignment_loses_nothing(
    stranger: Screen, product: Product, film: Json
) -> None:
    page = stranger.page
    ada = await product.client.create_user(f"ada-{uuid4().hex[:8]}@example.com")
    await stranger.open(f"/assets/{film['id']}")
    await stranger.sign_in()
    await page.get_by_role("button", name="Assign to User").click()
    modal = page.get_by_role("dialog", name="Assign to User")
    await modal.get_by_role("searchbox").fill(ada["id"])
    await expect(
        modal.get_by_role("button", name=f"Do not assign to {ada['name']}")
    ).to_be_visible()
    await page.context.clear_cookies()
    await modal.get_by_role("button", name="Assign to 1 person").click()
    again = page.get_by_role("dialog", name="Sign in again")
    await expect(again.get_by_label("Email", exact=True)).to_have_value(EMAIL)
    await again.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(again).to_have_count(0)
    await expect(modal.get_by_text(f"{ada['name']} now has “{film['title']}”.")).to_be_visible()
    assert page.url.endswith(f"/assets/{film['id']}")


async def test_a_dead_connection_says_so_and_the_page_recovers(screen: Screen, film: Json) -> None:
    await screen.enter()
    page = screen.page

    async def cut(route: Route) -> None:
        await route.abort("connectionrefused")

    await page.route("**/api/admin/users*", cut)
    await page.get_by_role("link", name="Users").click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("The server cannot be reached")
    await expect(alert).to_contain_text("Nothing you did is lost")
    await screen.check_accessible()
    await page.unroute("**/api/admin/users*")
    await alert.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("list", name="Users")).to_be_visible()

    await page.route("**/static/SystemPage*", cut)
    await page.get_by_role("link", name="System").click()
    await expect(alert).to_contain_text("This page could not be loaded")
    await page.unroute("**/static/SystemPage*")
    await alert.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Services")).to_be_visible()
    screen.complaints.clear()  # React tells of the page that did not arrive, as it should
