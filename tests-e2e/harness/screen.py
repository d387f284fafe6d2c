"""A browser window as a person has it before them, and what the tests look at in it."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page, expect

from harness.product import EMAIL, PASSWORD

SCREENSHOTS = Path(__file__).parents[1] / "browser" / "screenshots"
KEEPING = "SCREENSHOTS" in os.environ
"""Whether pictures are kept of what the tests look at: a hundred of them take a minute."""

NARROW, USUAL, WIDE = (360, 740), (1280, 800), (2560, 1300)
SIZES = {
    "light": {"wide": WIDE, "usual": USUAL},
    "dark": {"narrow": NARROW, "usual": USUAL},
}
"""In which a page is looked at; the last is the one that it is left in."""

BESIDE = "() => document.documentElement.scrollWidth - innerWidth"
"""By how many pixels a page is wider than its window."""

AXE = """async (rules) => {
  const chosen = rules.length > 0 ? { runOnly: rules } : {};
  return (await axe.run({ resultTypes: ["violations"], ...chosen })).violations;
}"""

SCHEMES: dict[str, list[str]] = {"light": [], "dark": ["color-contrast"]}
"""The rules of axe that hold in each; all of them, or those that colours can break."""

SERIOUS = {"serious", "critical"}

PATIENCE_MS = 20_000
"""For a condition on a busy machine; a test waits only as long as it does not hold."""

DROP = """([names, contents]) => {
  const transfer = new DataTransfer();
  names.forEach((name, at) => {
    const bytes = Uint8Array.from(atob(contents[at]), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  });
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
    document.body.dispatchEvent(event);
  }
}"""

SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await document.fonts.ready;
  for (let round = 0; round < 3; round++) await frame();
  const near = [...document.images].filter((image) => {
    const { top, bottom } = image.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  await Promise.allSettled(near.map((image) => image.decode()));
}"""
"""Laid out for this size, with the pictures that are in sight."""


@dataclass
class Screen:
    """A window of the console; ``complaints`` is what its page reported as errors."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str = "/") -> None:
        """Go to an address."""
        await self.page.goto(self.url + path)

    async def enter(self) -> None:
        """Open the assets' page, as who is signed in, and see it come to life."""
        await self.open()
        await self.alive()

    async def sign_in(
        self, email: str = EMAIL, password: str = PASSWORD, *, live: str = "live"
    ) -> None:
        """Fill in the form of the sign-in that is shown, and see the page come to life."""
        await self.page.get_by_label("Email", exact=True).fill(email)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.alive(live)

    async def alive(self, live: str = "live") -> None:
        """Wait until the page shows what happens."""
        await expect(self.page.locator(f"[data-live={live}]")).to_be_visible()

    async def choose_files(self, *files: Path) -> None:
        """Give files to the page's field for them."""
        await self.page.locator("input[type=file]").set_input_files([str(file) for file in files])

    async def drop(self, *files: Path) -> None:
        """Drop files on the window, as from a file manager."""
        names = [file.name for file in files]
        contents = [b64encode(file.read_bytes()).decode() for file in files]
        await self.page.evaluate(DROP, [names, contents])

    async def look(self, name: str) -> None:
        """See that it fits a telephone, a laptop and a wall, and keep how, if that is wanted."""
        for scheme in ("light", "dark"):
            await self.page.emulate_media(color_scheme=scheme)
            for label, (width, height) in SIZES[scheme].items():
                await self.page.set_viewport_size({"width": width, "height": height})
                await self.page.evaluate(SETTLED)
                assert await self.page.evaluate(BESIDE) <= 0, f"{name} is wider than {width} px"
                if KEEPING:
                    path = SCREENSHOTS / f"{name}-{scheme}-{label}.png"
                    await self.page.screenshot(path=path, animations="disabled")
        await self.page.emulate_media(color_scheme="light")

    async def check_accessible(self) -> None:
        """Nothing serious that axe can find, in light and in dark."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE_SCRIPT)
        for scheme, rules in SCHEMES.items():
            await self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await self.page.evaluate(SETTLED)
            found = await self.page.evaluate(AXE, rules)
            serious = [each for each in found if each["impact"] in SERIOUS]
            assert not serious, f"{scheme}: {_told(serious)}"
        await self.page.emulate_media(color_scheme="light")


@asynccontextmanager
async def window(
    browser: Browser, url: str, size: tuple[int, int] = USUAL, **options: Any
) -> AsyncIterator[Screen]:
    """A fresh window, whose page must not have complained when the block ends."""
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        **{"locale": "en-GB", "reduced_motion": "reduce", **options},
    )
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    screen = Screen(page, url)
    page.on("pageerror", lambda error: screen.complaints.append(str(error)))
    page.on("console", lambda told: _hear(screen.complaints, told.type, told.text))
    try:
        yield screen
        assert screen.complaints == []
    finally:
        await context.close()


def _hear(complaints: list[str], kind: str, text: str) -> None:
    """What a page itself complains of; the network's failures are the tests' own doing."""
    if kind == "error" and "Failed to load resource" not in text and "WebSocket" not in text:
        complaints.append(text)


def _told(violations: Sequence[Any]) -> str:
    return json.dumps(
        [
            {"id": each["id"], "help": each["help"], "at": [node["html"] for node in each["nodes"]]}
            for each in violations
        ],
        indent=1,
    )
