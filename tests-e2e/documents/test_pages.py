"""What the documents tell a reader to type works, and prints what they show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from harness.fleet import free_port
from harness.launch import ROOT
from harness.pages import Reader, blocks, checkout
from shared.testing.databases import PostgresServer, fresh_databases

DOCS = ROOT / "docs"
HOW_TO = DOCS / "how-to"
BEGIN = HOW_TO / "README.md"

OF_PROCESSES = HOW_TO / "run-as-processes.md"

ALONE = [
    ROOT / "README.md",
    DOCS / "tutorial.md",
    HOW_TO / "back-up-and-restore.md",
    HOW_TO / "run-behind-a-proxy.md",
]
"""Pages that start a product themselves, each in its own way."""

TOGETHER = [*sorted({*HOW_TO.glob("*.md")} - {*ALONE, BEGIN, OF_PROCESSES}), DOCS / "runbook.md"]
"""Pages that take for granted what BEGIN says."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fresh checkout."""
    return checkout(tmp_path / "marquee")


@pytest.fixture(scope="module")
async def reader(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reader]:
    """Somebody who has done what BEGIN says, and leaves the product running."""
    reader = Reader(checkout(tmp_path_factory.mktemp("documents") / "marquee"))
    [server] = [block for block in blocks(BEGIN) if block.mode == "server"]
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(reader.serving(server))
        reader.found(url)
        yield reader


@pytest.mark.parametrize("page", ALONE, ids=lambda page: page.stem)
async def test_a_page_that_begins_at_the_beginning(page: Path, home: Path) -> None:
    await Reader(home).follow(page)


@pytest.mark.xdist_group("documents")
@pytest.mark.parametrize("page", TOGETHER, ids=lambda page: page.stem)
async def test_a_page_for_who_has_begun(page: Path, reader: Reader) -> None:
    await reader.follow(BEGIN, page)


async def test_the_page_on_processes(home: Path, postgres: PostgresServer, amqp_url: str) -> None:
    async with fresh_databases(postgres) as databases:
        meant = {
            "postgresql://marquee:secret@db.example.com/marquee": databases.dsn,
            "postgresql://postgres:secret@db.example.com/marquee": databases.admin_dsn,
            "amqp://marquee:secret@mq.example.com/": amqp_url,
            **{str(port): str(free_port()) for port in range(8081, 8087)},
        }
        await Reader(home, meant).follow(OF_PROCESSES)
