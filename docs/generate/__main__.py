"""``python -m docs.generate`` writes the reference pages; ``--check`` only says which are old."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from docs.generate import api, configuration, events

_DOCS = Path(__file__).parents[1]

_PAGES: dict[str, Callable[[], str]] = {
    "api.md": api.page,
    "configuration.md": configuration.page,
    "events.md": events.page,
}


def main(arguments: list[str]) -> int:
    """Write or check every page; return the exit code."""
    pages = {_DOCS / name: page() for name, page in _PAGES.items()}
    old = [path for path, text in pages.items() if not path.is_file() or path.read_text() != text]
    for path in old:
        if "--check" in arguments:
            print(f"docs/{path.name} is not what the code says: run `make docs`", file=sys.stderr)
        else:
            path.write_text(pages[path])
            print(f"docs/{path.name} is new")
    return 1 if old and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
