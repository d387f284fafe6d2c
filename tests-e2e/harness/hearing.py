"""A page as a screen reader has it: the browser's tree of what is there and what it is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from playwright.async_api import Page

CONTROLS = {
    *("button", "checkbox", "combobox", "link", "menuitem", "option", "radio", "searchbox"),
    *("slider", "switch", "tab", "textbox"),
}


@dataclass(frozen=True)
class Heard:
    """One thing that is there: its role, its name, and the level of a heading."""

    role: str
    name: str
    level: int | None = None


async def hear(page: Page) -> list[Heard]:
    """All that a screen reader would find on a page, in its order."""
    line = await page.context.new_cdp_session(page)
    try:
        tree = await line.send("Accessibility.getFullAXTree")
    finally:
        await line.detach()
    return list(_heard(tree["nodes"]))


def _heard(nodes: list[dict[str, Any]]) -> Iterator[Heard]:
    for node in nodes:
        if node.get("ignored"):
            continue
        told = {each["name"]: each["value"].get("value") for each in node.get("properties", [])}
        role = node.get("role", {}).get("value", "")
        name = node.get("name", {}).get("value", "").strip()
        yield Heard(role, name, told.get("level"))


def complaints(heard: list[Heard], *, alone: bool = True) -> list[str]:
    """What would leave who cannot see at a loss; not ``alone`` is a page behind a dialog."""
    controls = [each for each in heard if each.role in CONTROLS]
    levels = [each.level for each in heard if each.role == "heading" and each.level]
    found = [f"a {each.role} has no name" for each in controls if not each.name]
    found += [
        f"a heading of level {after} follows one of level {before}"
        for before, after in pairwise(levels)
        if after > before + 1
    ]
    mains = sum(each.role == "main" for each in heard)
    if alone and (mains, levels.count(1)) != (1, 1):
        found.append(f"{mains} main landmarks and {levels.count(1)} headings of level 1")
    return found
