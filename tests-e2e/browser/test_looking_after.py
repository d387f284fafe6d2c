"""Looking after an installation: the audit trail, the system, and messages nobody worked off."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.async_api import expect

from harness.client import Json
from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")


async def test_the_trail_is_filtered_looked_into_exported_and_verified(
    screen: Screen, product: Product, film: Json
) -> None:
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
    await screen.screenshots("audit")
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


async def test_the_system_is_seen_in_both_languages(screen: Screen) -> None:
    page = screen.page
    await page.get_by_role("link", name="System").click()
    for service in ("gateway", "identity", "converter", "assignment", "audit", "notifier"):
        await expect(page.locator(f"[data-service={service}]")).to_contain_text("All well")
    for part in ("conversions", "database", "version"):
        await expect(page.locator(f"[data-part={part}]")).not_to_contain_text("Not known")
    await screen.screenshots("system")
    await screen.check_accessible()
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("menuitem", name="Deutsch").click()
    await expect(page.get_by_role("heading", name="Warteschlangen")).to_be_visible()
    await page.get_by_role("link", name="Personen").click()
    await expect(page.get_by_role("heading", name="Personen")).to_be_visible()
    await screen.screenshots("users")
    await screen.check_accessible()
