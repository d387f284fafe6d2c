"""A person's profile: what they have, what they had, and taking an old assignment back."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.async_api import expect

from harness.client import Json
from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")


async def test_after_the_window_an_assignment_is_reverted_with_a_reason(
    screen: Screen, product: Product, film: Json, other_film: Json
) -> None:
    """MA-FR5.3.1 to 5.3.6, MA-S0.18."""
    await screen.enter()
    page, client = screen.page, product.client
    ada = await client.create_user(f"ada-{uuid4().hex[:8]}@example.com")
    for turn in range(12):
        asset = film if turn % 2 == 0 else other_film
        path = f"/api/admin/assets/{asset['id']}/assign"
        await client.post(path, {"user_id": ada["id"]}, expect=201)

    await page.get_by_role("link", name="Users").click()
    await page.get_by_role("searchbox").fill(ada["email"])
    await page.get_by_role("link", name=ada["name"]).click()
    current = page.locator("[data-part=current]")
    await expect(current).to_contain_text(other_film["title"])
    await expect(current.locator("video[data-rendition=webm]")).to_be_visible()
    await expect(current.locator("time")).to_have_count(1)
    await expect(current).to_contain_text("By Administrator")
    timeline = page.get_by_role("listitem").filter(has=page.get_by_role("button", name="Revert"))
    await expect(timeline).to_have_count(10)

    await timeline.first.get_by_role("button", name="Revert").click()
    modal = page.get_by_role("dialog", name="Revert this assignment?")
    await expect(modal.get_by_role("alert")).to_contain_text("This can still be undone")
    await modal.get_by_role("button", name="Cancel").click()

    await product.pass_window()
    await timeline.first.get_by_role("button", name="Revert").click()
    await expect(modal).to_contain_text(film["title"])
    await modal.get_by_label("Reason").fill("Given to the wrong person")
    await screen.check_accessible()
    held = await client.get(f"/api/admin/users/{ada['id']}/assignment")
    assert held["assignment"]["asset"]["id"] == other_film["id"], "nothing before it is confirmed"
    await modal.get_by_role("button", name="Revert the assignment").click()

    await expect(current).to_contain_text(film["title"])
    await expect(timeline.first).to_contain_text("Reverted")
    await expect(timeline.first).to_contain_text("Given to the wrong person")
    await expect(timeline.first.get_by_role("button", name="Revert")).to_be_disabled()
    await screen.look("profile")
    await screen.check_accessible()

    await page.get_by_role("link", name="The whole history").click()
    whole = page.get_by_role("list", name="Audit").get_by_role("listitem")
    await expect(whole).to_have_count(14)
    await expect(whole.first).to_contain_text("Reverted")
    await expect(whole.last).to_contain_text("User created")
