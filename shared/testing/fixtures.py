"""The fixtures that every test may ask for; a pytest plugin, named in the root conftest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from shared.db.migrate import Schema
from shared.testing import servers
from shared.testing.brokers import Breakable, Broker, fresh_vhost, own_broker
from shared.testing.databases import Databases, PostgresServer, fresh_databases
from shared.testing.s3 import S3, fresh_bucket

OpenDatabases = Callable[..., Awaitable[Databases]]

_keeping = pytest.StashKey[servers.Servers]()


def pytest_configure(config: pytest.Config) -> None:
    """Let one process keep the servers of this run; its workers find it by the environment."""
    if not hasattr(config, "workerinput"):
        config.stash[_keeping] = servers.Servers()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers."""
    if _keeping in config.stash:
        config.stash[_keeping].close()


@pytest.fixture(scope="session")
def postgres() -> PostgresServer:
    """The private PostgreSQL of this run."""
    return PostgresServer(**servers.ask("postgres"))


@pytest.fixture
async def databases(postgres: PostgresServer) -> AsyncIterator[OpenDatabases]:
    """``await databases("audit", "bus")``: a fresh, migrated database, gone after the test."""
    async with AsyncExitStack() as stack:

        async def opened(*schemas: str | Schema) -> Databases:
            return await stack.enter_async_context(fresh_databases(postgres, *schemas))

        yield opened


@pytest.fixture(scope="session")
def broker() -> Broker:
    """The RabbitMQ of this run."""
    return Broker(**servers.ask("rabbit"))


@pytest.fixture
async def amqp_url(broker: Broker) -> AsyncIterator[str]:
    """The URL of an empty virtual host for one test. Takes 15 ms."""
    async with fresh_vhost(broker, servers.directory()) as url:
        yield url


@pytest.fixture
async def breakable_broker(tmp_path: Path) -> AsyncIterator[Breakable]:
    """A RabbitMQ of this test alone, started, to be killed and frozen. Takes 5 s."""
    broker = await own_broker(tmp_path)
    try:
        await broker.start()
        yield broker
    finally:
        await broker.discard()


@pytest.fixture
async def moto_s3() -> AsyncIterator[S3]:
    """An empty bucket on moto."""
    async with fresh_bucket(servers.ask("moto")) as place:
        yield place


@pytest.fixture
async def rclone_s3() -> AsyncIterator[S3]:
    """An empty bucket on rclone, which checks signatures."""
    async with fresh_bucket(servers.ask("rclone")) as place:
        yield place
