"""Which version of the product this is."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@cache
def product_version() -> str:
    """As installed; in a checkout that is not, as the project says."""
    if _PROJECT.is_file():
        told: str = tomllib.loads(_PROJECT.read_text())["project"]["version"]
        return told
    try:
        return version("marquee")
    except PackageNotFoundError:
        return "unknown"
