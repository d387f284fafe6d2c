"""Database and broker over TLS, by an authority of one's own; and no way around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import asyncpg
import pytest
from pydantic import SecretStr

from shared.bus.port import BusUnavailable
from shared.bus.rabbit import RabbitBus
from shared.db.migrate import Schema, migrate
from shared.runtime.settings import RuntimeSettings, SettingsError
from shared.runtime.tls import require_private_parts
from shared.testing.certificates import throwaway
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases
from shared.testing.tls_door import Streams, tls_door

DEMO = Schema("demo", Path(__file__).parents[2] / "db" / "tests" / "demo")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return throwaway(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """An authority that has signed nothing here."""
    (tmp_path / "stranger").mkdir()
    return throwaway(tmp_path / "stranger")[0]


@pytest.fixture
async def opened(databases: OpenDatabases) -> Databases:
    return await databases()


@pytest.fixture
async def tls_postgres(opened: Databases, certificate: tuple[Path, Path]) -> AsyncIterator[str]:
    """The address of a PostgreSQL that takes TLS alone, without what the client makes of it."""
    plain = urlsplit(opened.admin_dsn)
    [directory] = parse_qs(plain.query)["host"]

    async def behind() -> Streams:
        return await asyncio.open_unix_connection(f"{directory}/.s.PGSQL.5432")

    async with tls_door(behind, certificate, postgres=True) as port:
        yield f"postgresql://{plain.netloc.rpartition('@')[0]}@localhost:{port}{plain.path}"


@pytest.fixture
async def rabbit(amqp_url: str, certificate: tuple[Path, Path]) -> AsyncIterator[str]:
    """The address of a RabbitMQ that takes TLS alone, but for the scheme and the authority."""
    plain = urlsplit(amqp_url)

    async def behind() -> Streams:
        return await asyncio.open_connection(plain.hostname, plain.port)

    async with tls_door(behind, certificate) as port:
        where = f"{plain.netloc.rpartition('@')[0]}@localhost:{port}"
        yield urlunsplit(("amqps", where, plain.path, "", ""))


async def test_postgres_over_tls_is_migrated_and_used(
    tls_postgres: str, certificate: tuple[Path, Path]
) -> None:
    dsn = f"{tls_postgres}?sslmode=verify-full&sslrootcert={certificate[0]}"
    await migrate(dsn, [DEMO])
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetchval("select count(*) from demo.alembic_version") == 1
    finally:
        await connection.close()


async def test_postgres_is_not_spoken_to_in_plain_or_by_a_stranger(
    tls_postgres: str, stranger: Path
) -> None:
    for query in ("sslmode=disable", f"sslmode=verify-full&sslrootcert={stranger}"):
        with pytest.raises((OSError, asyncpg.PostgresError)):
            await asyncpg.connect(f"{tls_postgres}?{query}", timeout=10)


async def test_a_postgres_without_tls_is_refused_where_it_is_required(opened: Databases) -> None:
    """The private one of the tests speaks no TLS at all."""
    plain = urlsplit(opened.admin_dsn)
    [directory] = parse_qs(plain.query)["host"]

    async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside = await asyncio.open_unix_connection(f"{directory}/.s.PGSQL.5432")
        inside[1].write(await reader.read(65536))
        writer.write(await inside[0].read(65536))
        await writer.drain()
        inside[1].close()
        writer.close()

    async with await asyncio.start_server(no_tls, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        who = plain.netloc.rpartition("@")[0]
        with pytest.raises((OSError, asyncpg.PostgresError)):
            await asyncpg.connect(
                f"postgresql://{who}@localhost:{port}{plain.path}?sslmode=require", timeout=10
            )


async def test_the_bus_works_over_tls(rabbit: str, certificate: tuple[Path, Path]) -> None:
    bus = RabbitBus(f"{rabbit}?cafile={certificate[0]}")
    try:
        await bus.open()
    finally:
        await bus.close()


@pytest.mark.parametrize("how", ["plain", "stranger"])
async def test_the_broker_is_not_spoken_to_in_plain_or_by_a_stranger(
    rabbit: str, stranger: Path, how: str
) -> None:
    plain = rabbit.replace("amqps://", "amqp://", 1)
    bus = RabbitBus(plain if how == "plain" else f"{rabbit}?cafile={stranger}")
    try:
        with pytest.raises(BusUnavailable):
            await bus.open()
    finally:
        await bus.close()


DATABASE = "postgresql://u:hunter2@db.example/marquee"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("amqp_url", "amqp://u:hunter2@broker.example/"),
        ("database_url", DATABASE),
        ("database_url", f"{DATABASE}?sslmode=prefer"),
        ("database_admin_url", f"{DATABASE}?sslmode=disable"),
        ("s3_endpoint", "http://store.example"),
        ("s3_public_endpoint", "http://store.example"),
    ],
)
def test_where_tls_is_required_plain_addresses_are_refused(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"MARQUEE_{variable.upper()}: ") as raised:
        require_private_parts(RuntimeSettings.load(require_tls=True, **{variable: value}))
    assert "hunter2" not in str(raised.value)
    require_private_parts(RuntimeSettings.load(**{variable: value}))


def test_where_tls_is_required_what_speaks_it_is_taken() -> None:
    require_private_parts(
        RuntimeSettings.load(
            require_tls=True,
            amqp_url=SecretStr("amqps://u:p@broker.example/"),
            database_url=SecretStr(f"{DATABASE}?sslmode=verify-full"),
            database_admin_url=SecretStr("postgresql://u:p@/marquee?host=/run/postgresql"),
            s3_endpoint="https://store.example",
        )
    )
    require_private_parts(RuntimeSettings.load(require_tls=True))
