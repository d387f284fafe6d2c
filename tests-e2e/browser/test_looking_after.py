"""Looking after an installation: the audit trail, the system, and messages nobody worked off."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Route, expect

from harness.client import Json
from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")


async def test_the_trail_is_filtered_looked_into_exported_and_verified(
    screen: Screen, product: Product, film: Json
) -> None:
    await screen.enter()
    page, client = screen.page, product.client
    ada = await client.create_user(f"ada-{uuid4().hex[:8]}@example.com")
    path = f"/api/admin/assets/{film['id']}/assign"
    await client.post(path, {"user_id": ada["id"]}, expect=201)
    await page.get_by_role("link", name="Audit").click()
    await expect(page.locator("[data-verified=true]")).to_contain_text("The trail is intact")
    await page.get_by_role("combobox", name="Person").fill(ada["email"])
    await page.get_by_role("option", name=ada["name"]).click()
    await page.get_by_role("combobox", name="Action").click()
    await page.get_by_role("option", name="Assigned", exact=True).click()
    entries = page.get_by_role("list", name="Audit").get_by_role("listitem")
    await expect(entries).to_have_count(1)
    await screen.look("audit")
    await screen.check_accessible()
    await entries.get_by_role("button").click()
    details = page.get_by_role("dialog", name="Assigned")
    await expect(details).to_contain_text("Before")
    await expect(details).to_contain_text("Nothing")
    await expect(details).to_contain_text(film["title"])
    await screen.check_accessible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Export").click()
    async with page.expect_download() as downloading:
        await page.get_by_role("menuitem", name="CSV").click()
    exported = (await (await downloading.value).path()).read_text()
    assert ada["id"] in exported
    assert len(exported.splitlines()) == 2


async def test_an_asset_is_deleted_and_restored(
    screen: Screen, product: Product, clip: Path
) -> None:
    page = screen.page
    asset = await product.client.upload(clip, title="Missed at once")
    await screen.open(f"/assets/{asset['id']}")
    await page.get_by_role("button", name="Delete").click()
    asked = page.get_by_role("dialog", name="Delete this asset?")
    await asked.get_by_role("button", name="Delete").click()
    gone = page.get_by_role("alert").filter(has_text="Deleted on")
    await expect(gone).to_be_visible()
    await expect(page.get_by_role("button", name="Assign to User")).to_have_count(0)
    await screen.check_accessible()
    await gone.get_by_role("button", name="Restore").click()
    await expect(page.get_by_text("The asset is there again.")).to_be_visible()
    await expect(gone).to_have_count(0)
    assert (await product.client.asset(asset["id"]))["deleted_at"] is None


async def test_the_system_is_seen_in_both_languages(screen: Screen) -> None:
    await screen.enter()
    page = screen.page
    await page.get_by_role("link", name="System").click()
    for service in ("gateway", "identity", "converter", "assignment", "audit", "notifier"):
        await expect(page.locator(f"[data-service={service}]")).to_contain_text("All well")
    for part in ("conversions", "database", "version"):
        await expect(page.locator(f"[data-part={part}]")).not_to_contain_text("Not known")
    await screen.look("system")
    await screen.check_accessible()
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("menuitem", name="Deutsch").click()
    await expect(page.get_by_role("heading", name="Warteschlangen")).to_be_visible()
    await page.get_by_role("link", name="Personen").click()
    await expect(page.get_by_role("heading", name="Personen")).to_be_visible()
    await screen.look("users")
    await screen.check_accessible()


async def test_what_is_new_in_the_trail_comes_by_itself(
    screen: Screen, product: Product, film: Json
) -> None:
    page, client = screen.page, product.client
    ada = await client.create_user(f"ada-{uuid4().hex[:8]}@example.com")
    path = f"/api/admin/assets/{film['id']}/assign"

    async def in_small_pages(route: Route) -> None:
        """The trail of a person is short: who reads on in it should find pages none the less."""
        await route.continue_(url=route.request.url.replace("limit=100", "limit=2"))

    entries = page.get_by_role("list", name="Audit").get_by_role("listitem")
    await screen.open(f"/audit?user={ada['id']}")
    await expect(entries).to_have_count(1)
    await client.post(path, {"user_id": ada["id"]}, expect=201)
    await expect(entries).to_have_count(2)
    await expect(entries.first).to_contain_text("Assigned")

    operation = (await client.get("/api/admin/operations", limit=1))["items"][0]["id"]
    await client.post(f"/api/admin/operations/{operation}/undo", expect=200)
    await expect(entries).to_have_count(3)
    await page.route("**/api/admin/audit?*", in_small_pages)
    await page.reload()
    await expect(entries).to_have_count(3)
    await client.post(path, {"user_id": ada["id"]}, expect=201)
    newer = page.get_by_role("button", name="Show newer entries")
    await newer.click()
    await expect(entries.first).to_contain_text("Assigned")
    await expect(newer).to_have_count(0)


async def test_a_broken_trail_is_said_so_that_nobody_overlooks_it(
    screen: Screen, product: Product
) -> None:
    """What the API says of a trail that somebody changed; that it does is the trail's own test."""
    await screen.enter()
    page = screen.page
    whole = await product.client.get("/api/admin/audit/verify")
    broken = {**whole, "ok": False, "first_bad": 7, "reason": "edited"}
    await page.route("**/api/admin/audit/verify*", lambda route: route.fulfill(json=broken))
    await page.get_by_role("link", name="Audit").click()
    said = page.locator("[data-verified=false]")
    await expect(said).to_contain_text("The trail was tampered with, from entry #7 on")
    await expect(said).to_contain_text("An entry is not what was written.")
    await screen.look("audit-broken")
    await screen.check_accessible()
    await page.unroute("**/api/admin/audit/verify*")
    await page.get_by_role("button", name="Check now").click()
    await expect(page.locator("[data-verified=true]")).to_contain_text("The trail is intact")


async def test_a_parked_message_is_looked_at_and_replayed(screen: Screen, product: Product) -> None:
    await screen.enter()
    page, event = screen.page, await product.park()
    await page.get_by_role("link", name="System").click()
    mine = page.locator("[data-parked]").filter(has_text="no.such.event.v1").first
    await expect(mine).to_contain_text("notifier.store", timeout=30_000)
    await expect(mine).to_contain_text("UnknownEvent")
    queue = page.get_by_role("row").filter(has_text="notifier.store")
    await expect(queue.get_by_role("cell").nth(3)).not_to_have_text("0")
    await mine.get_by_role("button", name="View").click()
    message = page.get_by_role("dialog", name="no.such.event.v1")
    await expect(message).to_contain_text(event)
    await screen.look("parked")
    await screen.check_accessible()
    await page.keyboard.press("Escape")

    async def answer_late(route: Route) -> None:
        """Only when the message has been parked again, and what was clicked is no longer there."""
        answer = await route.fetch()
        await expect(mine).to_contain_text("replayed 1 time", timeout=30_000)
        await route.fulfill(response=answer)

    await page.route("**/replay", answer_late)
    await mine.get_by_role("button", name="Replay").click()
    await expect(page.get_by_text("The message is on its way again.")).to_be_visible()
