"""What every test of the gateway has at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

from services.gateway.tests.house import House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Everything up."""
    async with open_house(tmp_path) as house:
        yield house


@pytest.fixture
def nowhere() -> str:
    """The address of a service that is down."""
    return f"http://127.0.0.1:{unused_port()}"
