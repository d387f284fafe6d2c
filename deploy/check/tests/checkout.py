"""A copy of what is checked, to be broken."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[3]


def copied(directory: Path) -> Path:
    """Put it into a directory, and return that."""
    for part in ("kubernetes", "monitoring"):
        shutil.copytree(ROOT / "deploy" / part, directory / "deploy" / part)
    (directory / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "runbook.md", directory / "docs")
    return directory


def change(file: Path, there: str, instead: str) -> None:
    """Replace the first of what must be there."""
    text = file.read_text("utf-8")
    assert there in text
    file.write_text(text.replace(there, instead, 1))
