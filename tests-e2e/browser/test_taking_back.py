"""Taking back: the toast that stays, and the revert of an operation with its preview."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from playwright.async_api import expect

from harness.client import Json
from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")


async def people(product: Product, count: int) -> list[Json]:
    """Some who have nothing yet."""
    emails = [f"{name}-{uuid4().hex[:8]}@example.com" for name in ("ada", "ben", "cleo")[:count]]
    return list(await asyncio.gather(*map(product.client.create_user, emails)))


async def test_a_whole_operation_is_reverted_after_a_look_at_what_would_change(
    screen: Screen, product: Product, film: Json, other_film: Json
) -> None:
    page, client = screen.page, product.client
    users = await people(product, 3)
    bulk = {"asset_id": film["id"], "user_ids": [each["id"] for each in users]}
    given = await client.post("/api/admin/assets/bulk-assign", bulk, expect=201)
    path = f"/api/admin/assets/{other_film['id']}/assign"
    await client.post(path, {"user_id": users[2]["id"]}, expect=201)
    await screen.open("/operations")
    line = page.locator(f"[data-operation='{given['operation_id']}']")
    await expect(line.get_by_role("button", name="Undo")).to_be_visible()

    await product.pass_window()
    await page.reload()
    await line.get_by_role("button", name="Revert").click()
    plan = page.get_by_role("dialog", name="Revert this operation?")
    await expect(plan).to_contain_text("2 people go back to what they had")
    await expect(plan).to_contain_text(f"{users[0]['name']} → Nothing")
    await expect(plan).to_contain_text("1 person was given something else since, and keeps it.")
    await screen.look("operation-revert")
    await screen.check_accessible()
    held = await client.get(f"/api/admin/users/{users[0]['id']}/assignment")
    assert held["assignment"], "nothing before it is confirmed"

    reason = plan.get_by_label("Reason")
    await reason.fill("x" * 1001)
    await plan.get_by_role("button", name="Revert for 2 people").click()
    await expect(plan.get_by_text("at most 1000 characters")).to_be_visible()
    await expect(reason).to_have_attribute("aria-invalid", "true")
    await reason.fill("Sent to the wrong team")
    await plan.get_by_role("button", name="Revert for 2 people").click()
    await expect(page.get_by_text("Reverted for 2 people.")).to_be_visible()
    await expect(line).to_contain_text("Reverted")
    for user, has in zip(users, (None, None, other_film["id"]), strict=True):
        held = await client.get(f"/api/admin/users/{user['id']}/assignment")
        assert (held["assignment"] or {}).get("asset_id") == has


async def test_the_offer_to_undo_stays_while_one_walks_through_the_pages(
    screen: Screen, product: Product, film: Json
) -> None:
    page, [ada] = screen.page, await people(product, 1)
    await screen.open(f"/assets/{film['id']}")
    await page.get_by_role("button", name="Assign to User").click()
    modal = page.get_by_role("dialog", name="Assign to User")
    await modal.get_by_role("searchbox").fill(ada["id"])
    await modal.get_by_role("button", name="Assign to 1 person").click()
    await modal.get_by_role("button", name="Close").last.click()
    toast = page.get_by_role("status").filter(has_text=f"now has “{film['title']}”")
    for place in ("Users", "Audit", "System", "Operations"):
        await page.get_by_role("link", name=place).click()
        await expect(page.get_by_role("heading", name=place, level=1)).to_be_visible()
        await expect(toast.get_by_role("button", name="Undo")).to_be_visible()
    line = page.get_by_role("article").filter(has_text=f"Assigned · {film['title']}").first
    await expect(line).to_contain_text(f"{ada['name']} · by Administrator")
    await toast.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("Undone for 1 person.")).to_be_visible()
    await expect(toast).to_have_count(0)
    held = await product.client.get(f"/api/admin/users/{ada['id']}/assignment")
    assert held == {"assignment": None}
