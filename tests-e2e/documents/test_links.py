"""Every link of the documents leads to a file that is there, and to a heading in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate.markdown import anchor
from harness.launch import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "services" / "README.md", *ROOT.glob("docs/**/*.md")])

_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_lead_somewhere(page: Path) -> None:
    for link in _links(page):
        name, _, fragment = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link}: there is no such file"
        if fragment:
            assert fragment in set(_anchors(target)), f"{link}: there is no such heading"


def test_every_page_is_linked_to() -> None:
    reached = {
        (page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in _links(page)
    }
    assert set(PAGES) - reached == set()


def _links(page: Path) -> Iterator[str]:
    """What a page links to within the repository."""
    for link in _LINK.findall(_FENCED.sub("", page.read_text())):
        if "://" not in link:
            yield link


def _anchors(page: Path) -> Iterator[str]:
    seen: dict[str, int] = {}
    for heading in _HEADING.findall(_FENCED.sub("", page.read_text())):
        name = anchor(heading.strip())
        yield name + (f"-{seen[name]}" if name in seen else "")
        seen[name] = seen.get(name, 0) + 1
