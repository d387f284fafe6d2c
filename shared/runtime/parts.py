"""The parts a process is made of: embedded, or named by the settings; the log says which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
import structlog
from pydantic import SecretStr

from shared import bus as bus_package
from shared.blobs.port import Blobs
from shared.bus.port import Bus, BusUnavailable
from shared.db import DATABASE_AWAY, Database
from shared.db.database import Clock, open_pool
from shared.db.migrate import (
    MigrationFailed,
    Schema,
    SchemaTooOld,
    UnknownLogin,
    make_login,
    migrate,
    require_current,
)
from shared.runtime.ids import NewId
from shared.runtime.keys import load_keys
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import SERVICE_PORTS, RuntimeSettings, SettingsError
from shared.runtime.tls import require_private_parts
from shared.runtime.waiting import WaitingRoom

log = structlog.get_logger()

BUS_SCHEMA = Schema("bus", Path(str(bus_package.__file__)).parent / "migrations", relays=True)

_NOT_LET_IN = (
    *DATABASE_AWAY,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
"""What connecting may raise: nobody is there, or they know no such login or database."""

_WORTH_WAITING = (*_NOT_LET_IN, UnknownLogin, SchemaTooOld)
"""Trouble with a database that its operator may mend while this process waits."""


_SPARE = frozenset({"converter-worker"})
"""What nobody misses: the converter works as well."""

_EMBEDDED_BUS = 0x6D61727175656532
_TRIES, _TRY_SECONDS = 20, 0.25


@dataclass(frozen=True, slots=True)
class Module:
    """A service that a process can run: how it is built, and the schema it owns, if any."""

    name: str
    build: Callable[[Runtime], Service]
    schema: Schema | None = None


@asynccontextmanager
async def assembled(
    settings: RuntimeSettings,
    modules: Sequence[Module],
    *,
    peers: Mapping[str, str],
    clock: Clock,
    new_id: NewId,
    waiting: WaitingRoom,
) -> AsyncIterator[Runtime]:
    """Open every part the modules need, and close them in reverse.

    Waits for a database elsewhere as long as it takes. Raises SettingsError or SchemaTooNew.
    """
    _check(settings, modules)
    require_private_parts(settings)
    _make(settings.data_dir)
    keys = load_keys(settings)
    async with AsyncExitStack() as stack:
        open_database = partial(Database, new_id=new_id, clock=clock, cipher=keys.field_cipher)
        databases = await _databases(settings, modules, open_database, waiting, stack)
        bus = await _bus(settings, databases, stack)
        blobs = await blob_store(settings, stack)
        yield Runtime(
            settings=settings,
            keys=keys,
            new_id=new_id,
            bus=bus,
            blobs=blobs,
            databases=databases,
            peers=peers,
            sole_process=settings.amqp_url is None,
            work_dir=settings.data_dir / "work",
        )


def _check(settings: RuntimeSettings, modules: Sequence[Module]) -> None:
    """Without a broker, a service that is not in this process would hear nothing."""
    absent = sorted({"gateway", *SERVICE_PORTS} - _SPARE - {module.name for module in modules})
    if settings.amqp_url is None and absent:
        raise SettingsError(
            "MARQUEE_AMQP_URL: required to run services in processes of their own (this one is "
            f"without {', '.join(absent)}); it takes an amqp:// or amqps:// address"
        )


def _make(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"MARQUEE_DATA_DIR: takes a directory that can be written, not {data_dir} "
            f"({error.strerror})"
        ) from error


async def _databases(
    settings: RuntimeSettings,
    modules: Sequence[Module],
    open_database: Callable[[asyncpg.Pool[asyncpg.Record], str], Database],
    waiting: WaitingRoom,
    stack: AsyncExitStack,
) -> dict[str, Database]:
    schemas = schemas_of(modules)
    if settings.amqp_url is None:
        schemas.append(BUS_SCHEMA)
    if not schemas:
        return {}
    dsn, admin_dsn = await _servers(settings, stack)
    prepare = partial(_prepare, dsn, admin_dsn, schemas)
    await waiting.until("database", prepare, while_raising=_WORTH_WAITING)
    databases = {}
    for schema in schemas:
        pool = await open_pool(dsn, role=schema.role)
        databases[schema.name] = open_database(pool, schema.name)
        stack.push_async_callback(databases[schema.name].close)
    return databases


async def _prepare(dsn: str, admin_dsn: str | None, schemas: Sequence[Schema]) -> None:
    """Migrate, or find it done. Raises SchemaTooOld where somebody else has to do it."""
    login = urlsplit(dsn).username
    if admin_dsn is not None:
        await migrate(admin_dsn, schemas, login=login)
        return await _knock(dsn)
    try:
        await require_current(dsn, schemas)
    except SchemaTooOld as missing:
        try:  # the services' own user may be somebody who can
            await migrate(dsn, schemas, login=login)
        except (MigrationFailed, asyncpg.InsufficientPrivilegeError):
            raise missing from None


async def _knock(dsn: str) -> None:
    """Go on only where the services are let in, whoever has migrated."""
    connection = await asyncpg.connect(dsn)
    await connection.close()


def schemas_of(modules: Sequence[Module]) -> list[Schema]:
    """The schemas that modules own between them."""
    return list({m.schema.name: m.schema for m in modules if m.schema}.values())


async def migrate_all(settings: RuntimeSettings, modules: Sequence[Module]) -> None:
    """Bring every schema up to date; make the login of the services, if it is not there yet.

    Raises SettingsError, also for what the server refuses, SchemaTooNew or MigrationFailed.
    """
    if settings.database_admin_url is None or settings.database_url is None:
        missing = "URL" if settings.database_admin_url else "ADMIN_URL"
        raise SettingsError(
            f"MARQUEE_DATABASE_{missing}: required to migrate; both it and the other one take a "
            "postgresql:// address, the admin's of somebody who may create schemas and roles"
        )
    admin = _plain(settings.database_admin_url)
    login = urlsplit(_plain(settings.database_url))
    try:
        if login.username and login.password:
            await make_login(admin, unquote(login.username), unquote(login.password))
        await migrate(admin, schemas_of(modules), login=login.username)
    except UnknownLogin as error:
        raise SettingsError(
            f"MARQUEE_DATABASE_URL: takes a login of the server ({error}); with its password, one "
            "that is not there is made"
        ) from None
    except _NOT_LET_IN as error:
        raise SettingsError(
            "MARQUEE_DATABASE_ADMIN_URL: takes a server that answers, and a login and a database "
            f"that it knows ({error})"
        ) from None


async def _servers(settings: RuntimeSettings, stack: AsyncExitStack) -> tuple[str, str | None]:
    """The address for services, and the one for migrations, if it is another."""
    if settings.database_url is not None:
        log.info("part_chosen", part="database", kind="external")
        admin = settings.database_admin_url
        return _plain(settings.database_url), _plain(admin) if admin else None
    from shared.db.embedded import EmbeddedPostgres  # noqa: PLC0415 - only where it is used

    log.info("part_chosen", part="database", kind="embedded")
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    await server.start()
    stack.push_async_callback(server.stop)
    return server.dsn(), server.admin_dsn()


async def admin_server(
    settings: RuntimeSettings, stack: AsyncExitStack, *, shared: bool = True
) -> str:
    """Where whoever owns the tables connects, to an embedded server too.

    Unless ``shared``, raises AlreadyRunning where another process runs that one.
    """
    if settings.database_url is not None:
        return _plain(settings.database_admin_url or settings.database_url)
    from shared.db.embedded import AlreadyRunning, EmbeddedPostgres  # noqa: PLC0415

    server = EmbeddedPostgres(settings.data_dir / "postgres")
    stack.push_async_callback(server.stop)
    try:
        await server.start()
    except AlreadyRunning:
        if not shared:
            raise
        return server.admin_dsn_elsewhere()
    return server.admin_dsn()


def _plain(url: SecretStr) -> str:
    """A libpq URL; SQLAlchemy's spelling of the driver is understood too."""
    return url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://", 1)


async def _bus(
    settings: RuntimeSettings, databases: Mapping[str, Database], stack: AsyncExitStack
) -> Bus:
    bus: Bus
    if settings.amqp_url is not None:
        from shared.bus.rabbit import RabbitBus  # noqa: PLC0415 - only where it is used

        bus, kind = RabbitBus(settings.amqp_url.get_secret_value()), "rabbitmq"
    else:
        from shared.bus.embedded import EmbeddedBus  # noqa: PLC0415

        await _hold_alone(databases[BUS_SCHEMA.name], stack)
        bus, kind = EmbeddedBus(databases[BUS_SCHEMA.name]), "embedded"
    log.info("part_chosen", part="bus", kind=kind)
    stack.push_async_callback(bus.close)
    try:
        await bus.open()
    except BusUnavailable as error:  # it keeps trying; until then the outboxes keep what we say
        log.warning("bus_away", error=str(error))
    return bus


async def _hold_alone(database: Database, stack: AsyncExitStack) -> None:
    """Keep other processes off the embedded bus: it hands out messages in this one only."""
    session = await database.pool.acquire()
    stack.push_async_callback(database.pool.release, session)
    for _ in range(_TRIES):  # the session of a process just killed may take a moment to end
        if await session.fetchval("select pg_try_advisory_lock($1)", _EMBEDDED_BUS):
            stack.push_async_callback(session.execute, "select pg_advisory_unlock_all()")
            return
        await asyncio.sleep(_TRY_SECONDS)
    raise SettingsError(
        "MARQUEE_AMQP_URL: required when several processes share a database, "
        "and another one uses this database"
    )


async def blob_store(settings: RuntimeSettings, stack: AsyncExitStack) -> Blobs:
    """The store, open until the stack is closed."""
    blobs: Blobs
    if settings.s3_bucket is not None:
        from shared.blobs.s3 import S3Blobs, S3Settings  # noqa: PLC0415 - a slow import

        blobs, kind = (
            S3Blobs(
                S3Settings(
                    bucket=settings.s3_bucket,
                    endpoint=settings.s3_endpoint,
                    region=settings.s3_region,
                    access_key=_secret(settings.s3_access_key),
                    secret_key=_secret(settings.s3_secret_key),
                    public_endpoint=settings.s3_public_endpoint,
                )
            ),
            "s3",
        )
    else:
        from shared.blobs.local import LocalBlobs  # noqa: PLC0415

        blobs, kind = LocalBlobs(settings.data_dir / "blobs"), "directory"
    log.info("part_chosen", part="storage", kind=kind)
    await blobs.open()
    stack.push_async_callback(blobs.close)
    return blobs


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None
