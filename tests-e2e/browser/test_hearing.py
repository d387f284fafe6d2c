"""The console as who cannot see has it: landmarks, headings, names, and what is said aloud."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import expect

from harness.client import Json
from harness.hearing import complaints, hear
from harness.product import Product
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")

FRAME = """
- link "Skip to the content"
- banner:
  - link "Marquee"
  - button /Search or go to/
  - status: Live
  - button "Account and settings"
- navigation "Main":
  - link "Assets"
  - link "Users"
  - link "Operations"
  - link "Audit"
  - link "System"
- main
"""


async def test_every_page_has_its_landmarks_headings_and_names(
    screen: Screen, product: Product, film: Json
) -> None:
    ada = await product.client.create_user(f"ada-{uuid4().hex[:8]}@example.com")
    path = f"/api/admin/assets/{film['id']}/assign"
    await product.client.post(path, {"user_id": ada["id"]}, expect=201)
    pages = {
        "/assets": "Assets",
        f"/assets/{film['id']}": film["title"],
        "/users": "Users",
        f"/users/{ada['id']}": ada["name"],
        "/operations": "Operations",
        "/audit": "Audit",
        "/system": "System",
    }
    for address, name in pages.items():
        await screen.open(address)
        await expect(screen.page.get_by_role("heading", name=name, level=1)).to_be_visible()
        await expect(screen.page).to_have_title(f"{name} · Marquee")
        await expect(screen.page.get_by_label("Loading")).to_have_count(0)
        await expect(screen.page.locator("body")).to_match_aria_snapshot(FRAME)
        assert complaints(await hear(screen.page)) == [], address


async def test_the_sign_in_is_said_in_its_order(stranger: Screen) -> None:
    await expect(stranger.page.locator("body")).to_match_aria_snapshot("""
    - main:
      - button "Language"
      - heading "Sign in to Marquee" [level=1]
      - textbox "Email"
      - textbox "Password"
      - button "Show the password"
      - button "Sign in"
    """)
    assert complaints(await hear(stranger.page)) == []
    await stranger.page.get_by_role("button", name="Sign in").click()
    email = stranger.page.get_by_role("textbox", name="Email")
    await expect(email).to_have_accessible_description("Enter your email address.")


async def test_assigning_is_said_as_it_goes(screen: Screen, product: Product, film: Json) -> None:
    page = screen.page
    ada = await product.client.create_user(f"ada-{uuid4().hex[:8]}@example.com")
    await screen.open(f"/assets/{film['id']}")
    await expect(page.get_by_role("complementary")).to_match_aria_snapshot("""
    - complementary "Status and assignment":
      - heading "Conversion" [level=2]
      - text: Completed
      - list:
        - listitem: WebM ready
        - listitem: MP4 ready
        - listitem: GIF ready
        - listitem: Thumbnail ready
      - heading "Assignment" [level=2]
    """)
    await page.get_by_role("button", name="Assign to User").click()
    modal = page.get_by_role("dialog", name="Assign to User")
    await modal.get_by_role("searchbox").fill(ada["email"])
    await expect(modal.locator("[data-user]")).to_have_count(1)
    await expect(modal).to_match_aria_snapshot(f"""
    - dialog "Assign to User":
      - searchbox "Who is to have it?"
      - checkbox "Choose 1 found"
      - group "People":
        - checkbox /{ada["name"]}/
      - button "Cancel"
      - button "Choose somebody" [disabled]
    """)
    await modal.get_by_role("checkbox", name=ada["name"]).check()
    assert complaints(await hear(page), alone=False) == []
    await modal.get_by_role("button", name="Assign to 1 person").click()
    done = modal.get_by_role("status").filter(has_text="Assigned")
    await expect(done).to_contain_text(f"{ada['name']} now has “{film['title']}”.")
    ticking = modal.locator("[data-part=countdown]")
    await expect(ticking).to_have_attribute("aria-live", "off")
    await page.keyboard.press("Escape")
    toast = page.get_by_role("status").filter(has_text=ada["name"])
    await expect(toast).to_have_count(1)
    assert await toast.evaluate("(it) => !it.contains(document.activeElement)"), "it takes no focus"
    await toast.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("status").filter(has_text="Undone for 1 person.")).to_be_visible()


async def test_what_an_upload_comes_to_is_said(screen: Screen, clip: Path, tmp_path: Path) -> None:
    await screen.enter()
    text = tmp_path / "notes.mp4"
    text.write_text("These are notes, and no video.")
    await screen.choose_files(text)
    tray = screen.page.get_by_role("region", name="Uploads")
    await expect(tray.get_by_role("status")).to_have_text("Uploads")
    await expect(tray).to_match_aria_snapshot("""
    - region "Uploads":
      - status: Uploads
      - button "Collapse the list" [expanded]
      - button "Close the list"
      - list "Files":
        - listitem:
          - text: notes.mp4
          - button /Remove from the list/
          - text: /this is no MP4 or MOV video/
    """)
    assert complaints(await hear(screen.page)) == []
