"""What the end-to-end tests have at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from harness.client import Client
from harness.clips import make_clip
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD, Product
from services.start import ALL, MODULES
from shared.runtime.runner import running
from shared.runtime.settings import RuntimeSettings


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
    """All services on the embedded parts, in this process, so that its clock can be moved."""
    product = Product(tmp_path_factory.mktemp("product"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ADMINISTRATOR.items():
            patch.setenv(name, value)
        patch.setenv("MARQUEE_PROBE_SECONDS", "10")  # two workers share this machine
        settings = RuntimeSettings.load(port=0, data_dir=product.data_dir)
        modules = [MODULES[name] for name in ALL]
        async with running(
            modules, settings, clock=product.clock, new_id=product.new_id
        ) as process:
            product.runtime = process.runtime
            product.client = Client(process.urls["gateway"], http)
            await product.client.log_in(EMAIL, PASSWORD)
            yield product
