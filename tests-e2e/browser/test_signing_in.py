"""Signing in, and what happens when a session ends while somebody is at work."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from harness.product import EMAIL
from harness.screen import Screen

pytestmark = pytest.mark.xdist_group("browser")


async def test_an_administrator_signs_in_and_sees_the_assets(stranger: Screen) -> None:
    page = stranger.page
    await expect(page.get_by_role("heading", name="Sign in to Marquee")).to_be_visible()
    await stranger.look("sign-in")
    await stranger.check_accessible()
    await stranger.sign_in()
    await expect(page.get_by_role("heading", name="Assets")).to_be_visible()
    await expect(page.locator("input[type=file]")).to_have_count(1)


async def test_a_wrong_password_is_refused_in_words(stranger: Screen) -> None:
    page = stranger.page
    await page.get_by_label("Email", exact=True).fill(EMAIL)
    await page.get_by_label("Password", exact=True).fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("password")
    await expect(page.get_by_label("Email", exact=True)).to_have_value(EMAIL)
