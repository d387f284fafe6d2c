"""Two replicas of the notifier on a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.notifier.tests.replicas import Broadcasts, Replica, entrance
from shared.db import Database
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases
from shared.testing.identity import IdentityStandIn


@pytest.fixture
async def opened(databases: OpenDatabases) -> Databases:
    """A fresh database."""
    return await databases("notifier")


@pytest.fixture
def database(opened: Databases) -> Database:
    """The database as the notifier sees it."""
    return opened["notifier"]


@pytest.fixture
def identity() -> IdentityStandIn:
    """Who knows people, sessions, keys and tickets."""
    return IdentityStandIn()


@pytest.fixture
async def peers(identity: IdentityStandIn) -> AsyncIterator[dict[str, str]]:
    """Where it is."""
    app = web.Application()
    app.add_routes(identity.routes())
    async with TestServer(app) as server:
        yield {"identity": str(server.make_url("")).rstrip("/")}


@pytest.fixture
async def replicas(database: Database, peers: dict[str, str]) -> AsyncIterator[list[Replica]]:
    """Two replicas that serve."""
    broadcasts = Broadcasts()
    async with AsyncExitStack() as stack:
        both = [Replica(database, broadcasts, entrance(peers)) for _ in range(2)]
        for replica in both:
            await stack.enter_async_context(replica.serving())
        yield both


@pytest.fixture
def replica(replicas: list[Replica]) -> Replica:
    """One of them."""
    return replicas[0]
