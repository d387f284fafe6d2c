"""What the tests of this service have at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.assignment.tests.world import StillClock, World
from shared.testing.databases import PostgresServer, fresh_databases


@pytest.fixture
async def world(postgres: PostgresServer) -> AsyncIterator[World]:
    """A fresh database with a clock that stands still."""
    async with fresh_databases(postgres, "assignment") as databases:
        clock = StillClock()
        databases["assignment"].clock = clock
        yield World(databases, clock)
