"""Patterns for LIKE."""

from __future__ import annotations


def containing(text: str) -> str:
    """Matches whatever holds ``text``, in which nothing is special."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
