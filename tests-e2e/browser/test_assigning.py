"""Assigning in the browser: to one person and to many, and taking it back while that is open."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from playwright.async_api import Route, expect

from harness.client import Json
from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")

NOBODY = "019abc00-0000-7000-8000-000000000000"


async def person(product: Product) -> Json:
    """Somebody new, who has nothing."""
    return await product.client.create_user(f"ada-{uuid4().hex[:8]}@example.com")


async def test_an_asset_is_assigned_to_one_person_and_undone(
    screen: Screen, product: Product, film: Json
) -> None:
    """MA-FR5.1.2 to 5.1.6, MA-FR5.2.3 to 5.2.5, MA-S0.16, MA-S0.17."""
    page, ada = screen.page, await person(product)
    await screen.open(f"/assets/{film['id']}")
    button = page.get_by_role("button", name="Assign to User", include_hidden=True)
    await button.click()
    modal = page.get_by_role("dialog", name="Assign to User")
    await modal.get_by_role("searchbox").fill(ada["email"])
    line = modal.locator("[data-user]")
    await expect(line).to_have_count(1)
    await expect(line).to_contain_text("has nothing")
    await line.get_by_role("checkbox").check()
    await screen.look("assign")
    await screen.check_accessible()

    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await page.route("**/assign", hold)
    await modal.get_by_role("button", name="Assign to 1 person").click()
    await expect(button).to_be_disabled()
    released.set()
    await expect(modal.get_by_text(f"{ada['name']} now has “{film['title']}”.")).to_be_visible()
    await expect(modal.locator("[data-part=countdown]")).to_contain_text("can be undone for")
    await expect(button).to_be_enabled()
    await screen.check_accessible()

    sidebar = page.get_by_role("complementary", include_hidden=True)
    assigned = sidebar.locator("[data-part=assigned]")
    await expect(assigned).to_contain_text(ada["name"])
    await expect(assigned.locator("time")).to_have_count(1)
    await expect(assigned).to_contain_text("By Administrator")
    await expect(sidebar.get_by_role("button", name="Undo", include_hidden=True)).to_be_attached()

    await modal.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("Undone for 1 person.")).to_be_visible()
    await expect(sidebar).not_to_contain_text(ada["name"])
    current = await product.client.get(f"/api/admin/users/{ada['id']}/assignment")
    assert current == {"assignment": None}


async def test_fifty_people_are_assigned_at_once_and_the_bulk_is_undone(
    screen: Screen, product: Product, film: Json
) -> None:
    """MA-FR5.1.3, MA-S0.19; the way back by keyboard, with the plan before it."""
    page = screen.page
    people = await asyncio.gather(*(person(product) for _ in range(50)))
    ids = "\n".join([*(each["id"] for each in people), NOBODY])
    await screen.open(f"/assets/{film['id']}")
    await page.get_by_role("button", name="Assign to User").click()
    modal = page.get_by_role("dialog", name="Assign to User")
    await modal.get_by_role("searchbox").fill(ids)
    await modal.get_by_role("button", name="Assign to 51 people").click()
    await expect(modal.get_by_role("alert")).to_contain_text(f"{NOBODY}: There is nobody with this")
    await modal.get_by_role("button", name="Go on without this one").click()
    await modal.get_by_role("button", name="Assign to 50 people").click()
    await expect(modal.get_by_text("50 people now have")).to_be_visible()
    await screen.look("assigned")
    await modal.get_by_role("button", name="Close").last.click()
    toast = page.get_by_role("status").filter(has_text="50 people now have")
    await expect(toast.get_by_role("button", name="Undo")).to_be_visible()

    await page.keyboard.press("Control+z")
    plan = page.get_by_role("dialog", name="Undo this bulk assignment?")
    await expect(plan).to_contain_text("50 people go back to what they had")
    await screen.check_accessible()
    await plan.get_by_role("button", name="Undo for 50 people").click()
    await expect(page.get_by_text("Undone for 50 people.")).to_be_visible()
    await expect(toast).to_have_count(0)
    for each in (people[0], people[-1]):
        current = await product.client.get(f"/api/admin/users/{each['id']}/assignment")
        assert current == {"assignment": None}

    await page.get_by_role("link", name="Operations").click()
    bulk = page.get_by_role("article").filter(has_text="50 people").filter(has_text="Bulk")
    await expect(bulk.first).to_contain_text("Undone")
    await screen.look("operations")
    await screen.check_accessible()


async def test_a_failed_bulk_is_tried_again_from_the_operations(
    screen: Screen, product: Product, film: Json
) -> None:
    asked = {"asset_id": film["id"], "user_ids": [NOBODY]}
    refused = await product.client.post("/api/admin/assets/bulk-assign", asked, expect=400)
    await screen.open("/operations")
    line = screen.page.locator(f"[data-operation='{refused['operation_id']}']")
    await expect(line).to_contain_text(f"{NOBODY}: There is nobody with this id.")
    await line.get_by_role("button", name="Try again").click()
    await expect(screen.page.get_by_text("It failed again")).to_be_visible()
