"""The compose file under a name of its own, brought up once and taken down at the end.

`make containers` runs these tests. They need Docker, build the image, and take some minutes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from harness.client import Client
from harness.clips import make_clip
from harness.containers import MARK, Stack, administrator, docker
from harness.fleet import free_port


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """All of it, with three to convert; nothing but volumes is left of it, and those go, too."""
    stack = Stack(free_port())
    try:
        stack.up()
        yield stack
    finally:
        stack.make("down")
        volumes = docker("volume", "ls", "--quiet", "--filter", f"label={MARK}").split()
        docker("volume", "rm", *volumes)
    assert "postgres" in " ".join(volumes)
    assert stack.containers() == []
    assert docker("network", "ls", "--quiet", "--filter", f"label={MARK}") == ""


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """One HTTP client for everybody."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        yield session


@pytest.fixture
async def client(stack: Stack, http: aiohttp.ClientSession) -> Client:
    """The administrator, outside."""
    client = Client(stack.url, http)
    await client.log_in(*administrator())
    return client


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip with sound."""
    return make_clip(tmp_path_factory.mktemp("clips") / "aurora.mp4")
