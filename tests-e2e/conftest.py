"""What the end-to-end tests have at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from harness.clips import make_clip
from harness.product import Product, in_this_process


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip with sound."""
    return make_clip(tmp_path_factory.mktemp("clips") / "aurora.mp4")


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """One HTTP client for everybody."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        yield session


@pytest.fixture(scope="session")
async def product(
    tmp_path_factory: pytest.TempPathFactory, http: aiohttp.ClientSession
) -> AsyncIterator[Product]:
    """The product that tests share."""
    async with in_this_process(tmp_path_factory.mktemp("product"), http) as product:
        yield product
