"""Brings schemas up to date: one alembic tree, one schema and one role per service.

A service's migrations lie in ``services/<name>/migrations/versions``; those of the embedded bus
in ``shared/bus/migrations/versions``. Each tree has a single line of revisions, and its version
table lives in its own schema. Tables belong to the admin. The role ``marquee_<name>`` may use its
schema and SELECT, INSERT, UPDATE and DELETE in it, and nothing else; a migration revokes what the
service must not do. All processes may migrate at once: an advisory lock makes them take turns.
When nothing is to do, two short queries tell, and alembic is not even imported.

While one version replaces another, both run, and a process of the old one may be started on the new
one's schema. So a schema notes the oldest revision whose program can use it: a migration that takes
away what that one needs says ``compatible_from = "<its own revision>"``. See "Changing a schema" in
``services/README.md``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import structlog

if TYPE_CHECKING:
    from asyncpg import Record
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    Admin = asyncpg.Connection[Record]

_LOCK = 0x6D61727175656530

_REVISION = re.compile(
    r"^(down_revision|revision|compatible_from)\b[^=]*=\s*(?:\"(\w+)\"|None)", re.MULTILINE
)

_one_at_a_time = asyncio.Lock()
"""alembic keeps the migration under way in module variables."""

log = structlog.get_logger()


class SchemaTooNew(Exception):
    """The database was migrated by a newer version, and this one would damage it."""


class SchemaTooOld(Exception):
    """The database was not migrated yet, and whoever asks has no right to do it."""


class MigrationFailed(Exception):
    """A schema could not be brought up to date; nothing of it was changed."""


class UnknownLogin(Exception):
    """The server has no role of the name that the services log in with."""


class TwoHeads(Exception):
    """A tree of migrations has no single newest revision: two were written side by side."""


@dataclass(frozen=True)
class Schema:
    """A schema and where its migrations are: ``migrations`` holds ``versions/*.py``.

    The role of a schema that ``relays`` may also take rows out of the outbox of all others.
    """

    name: str
    migrations: Path
    relays: bool = False

    @property
    def role(self) -> str:
        """The database role that the service acts as."""
        return f"marquee_{self.name}"

    @cached_property
    def revisions(self) -> frozenset[str]:
        """Every revision this program knows."""
        return frozenset(self._parents)

    @cached_property
    def head(self) -> str:
        """The newest revision. Raises TwoHeads."""
        heads = self._parents.keys() - set(self._parents.values())
        if len(heads) != 1:
            raise TwoHeads(f"{self.migrations}: the newest revision is one of {sorted(heads)}")
        return heads.pop()

    @cached_property
    def compatible_from(self) -> str:
        """The oldest revision whose program can use the newest, ``""`` for all of them."""
        return max((names.get("compatible_from", "") for names in self._declared), default="")

    @cached_property
    def _parents(self) -> dict[str, str]:
        return {names["revision"]: names["down_revision"] for names in self._declared}

    @cached_property
    def _declared(self) -> list[dict[str, str]]:
        files = (self.migrations / "versions").glob("*.py")
        found = (dict(_REVISION.findall(file.read_text())) for file in files)
        return [names for names in found if names]


async def migrate(admin_dsn: str, schemas: Sequence[Schema], *, login: str | None = None) -> None:
    """Create or upgrade the schemas and their roles, and let ``login`` become those roles.

    Raises SchemaTooNew or MigrationFailed, and then that schema has not changed; or UnknownLogin.
    """
    connection = await asyncpg.connect(admin_dsn)
    try:
        if await _up_to_date(connection, schemas, login):
            return
        async with _one_at_a_time:
            await connection.execute("select pg_advisory_lock($1)", _LOCK)
            for schema in await _outdated(connection, schemas):
                await _upgrade(admin_dsn, schema)
                log.info("schema_migrated", schema=schema.name, revision=schema.head)
            await _let_relay(connection, schemas)
            await _let_login(connection, schemas, login)
    finally:
        await connection.close()


async def make_login(admin_dsn: str, login: str, password: str) -> None:
    """Create who the services connect as, unless there is such a role; its password stays then.

    It owns nothing and inherits nothing: it can only become the roles it is granted.
    """
    connection = await asyncpg.connect(admin_dsn)
    try:
        if await connection.fetchval("select true from pg_roles where rolname = $1", login):
            return
        form = "create role %I login noinherit password %L"
        await connection.execute(
            await connection.fetchval(
                "select format($1, $2::text, $3::text)", form, login, password
            )
        )
        log.info("login_made", login=login)
    finally:
        await connection.close()


async def require_current(dsn: str, schemas: Sequence[Schema]) -> None:
    """Go on only where another has migrated. Raises SchemaTooOld or SchemaTooNew."""
    connection = await asyncpg.connect(dsn)
    try:
        missing = [each.name for each in schemas if not await _is_current(connection, each)]
    finally:
        await connection.close()
    if missing:
        raise SchemaTooOld(f"not migrated yet: {', '.join(missing)}")


async def _is_current(connection: Admin, schema: Schema) -> bool:
    """As the schema's own role, the only one that a service's login need have rights by."""
    try:
        await connection.execute(f"set role {schema.role}")
        return not await _outdated(connection, [schema])
    except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError):
        return False  # no such role, or it was not granted yet


async def _up_to_date(connection: Admin, schemas: Sequence[Schema], login: str | None) -> bool:
    if await _outdated(connection, schemas):
        return False
    return not login or not await _missing_roles(connection, schemas, login)


async def _outdated(connection: Admin, schemas: Iterable[Schema]) -> list[Schema]:
    outdated = []
    for schema in schemas:
        revision, compatible_from = await _revision(connection, schema)
        if revision in (None, *schema.revisions):
            if revision != schema.head:
                outdated.append(schema)
        elif compatible_from is None or schema.head < compatible_from:
            raise SchemaTooNew(_too_new(schema, revision))
    return outdated


def _too_new(schema: Schema, revision: str | None) -> str:
    return (
        f"the schema {schema.name} of the database is at revision {revision}, which this "
        "version does not know: run the newer version, or restore an older backup"
    )


async def _revision(connection: Admin, schema: Schema) -> tuple[str | None, str | None]:
    """How far the schema is, and from which revision on a program can use it, if it says so."""
    table = f"{schema.name}.alembic_version"
    if not await connection.fetchval("select to_regclass($1) is not null", table):
        return None, None
    row = await connection.fetchrow(  # an older version knew no more than version_num
        "select version_num, case when to_jsonb(each) ->> 'stated_at' = version_num"  # noqa: S608
        f" then to_jsonb(each) ->> 'compatible_from' end from {table} as each"
    )
    return (row[0], row[1]) if row else (None, None)


async def _upgrade(admin_dsn: str, schema: Schema) -> None:
    """Create what the schema needs and run its migrations, in one transaction."""
    async with _transaction(admin_dsn) as connection:
        await _build(connection, schema, schema.head)


@asynccontextmanager
async def building(admin_dsn: str, revisions: Mapping[Schema, str]) -> AsyncIterator[Admin]:
    """Create schemas as they were at these revisions; the block goes on in the same transaction.

    Raises SchemaTooNew or MigrationFailed, and then nothing was created.
    """
    from sqlalchemy import text  # noqa: PLC0415 - slow, and of no use where nothing is built

    async with _one_at_a_time, _transaction(admin_dsn) as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert isinstance(raw, asyncpg.Connection)
        await connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        for schema, revision in revisions.items():
            if revision not in schema.revisions:
                raise SchemaTooNew(_too_new(schema, revision))
            await _build(connection, schema, revision)
        yield raw


@asynccontextmanager
async def _transaction(admin_dsn: str) -> AsyncIterator[AsyncConnection]:
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - a slow import
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(admin_dsn),
        poolclass=NullPool,
    )
    async with engine.begin() as connection:
        yield connection


async def _build(connection: AsyncConnection, schema: Schema, revision: str) -> None:
    """Create or upgrade a schema and its role."""
    from sqlalchemy import text  # noqa: PLC0415 - slow imports, of no use when nothing is to do
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    try:
        for statement in _ground(schema):
            await connection.execute(text(statement))
        await connection.run_sync(_run_alembic, schema, revision)
        for statement in _statement_of_compatibility(schema):
            await connection.execute(text(statement))
    except DBAPIError as error:
        raise MigrationFailed(f"the schema {schema.name}: {error.orig}") from error


def _ground(schema: Schema) -> list[str]:
    """The schema, and its role with what it may do there."""
    everything_in = f"alter default privileges in schema {schema.name} grant"
    return [
        f"create schema if not exists {schema.name}",
        # Roles belong to the whole server: another database may be creating this one right now.
        f"do $$ begin create role {schema.role} nologin; "
        "exception when duplicate_object or unique_violation then null; end $$",
        f"grant usage on schema {schema.name} to {schema.role}",
        f"{everything_in} select, insert, update, delete on tables to {schema.role}",
        f"{everything_in} usage, select on sequences to {schema.role}",
    ]


def _statement_of_compatibility(schema: Schema) -> list[str]:
    """It holds for the revision it was stated at, should somebody else migrate further."""
    table = f"{schema.name}.alembic_version"
    columns = ("compatible_from", "stated_at")
    return [
        *(f"alter table {table} add column if not exists {column} text" for column in columns),
        f"update {table} set compatible_from = '{schema.compatible_from}',"  # noqa: S608
        " stated_at = version_num",
        f"revoke insert, update, delete on {table} from {schema.role}",
    ]


def _run_alembic(connection: Connection, schema: Schema, revision: str) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection, "schema": schema.name})
    for option, value in {
        "script_location": str(Path(__file__).with_name("alembic")),
        "version_locations": str(schema.migrations / "versions"),
        "path_separator": "newline",
    }.items():
        config.set_main_option(option, value.replace("%", "%%"))
    command.upgrade(config, revision)


async def _let_relay(connection: Admin, schemas: Sequence[Schema]) -> None:
    for relaying in (schema for schema in schemas if schema.relays):
        for schema in schemas:
            outbox = f"{schema.name}.outbox"
            if await connection.fetchval("select to_regclass($1) is not null", outbox):
                await connection.execute(
                    f"grant usage on schema {schema.name} to {relaying.role};"
                    f"grant select, update, delete on {outbox} to {relaying.role}"
                )


async def _let_login(connection: Admin, schemas: Sequence[Schema], login: str | None) -> None:
    if login:
        for role in await _missing_roles(connection, schemas, login):
            await connection.execute(f'grant {role} to "{login}"')


async def _missing_roles(connection: Admin, schemas: Sequence[Schema], login: str) -> list[str]:
    """The roles that the login may not become yet. Raises UnknownLogin."""
    # Since PostgreSQL 16 a role's creator is a member of it that may not become it.
    become = "SET" if connection.get_server_version().major >= 16 else "MEMBER"
    try:
        rows = await connection.fetch(
            "select rolname from pg_roles where rolname = any($1) and not pg_has_role($2, oid, $3)",
            [schema.role for schema in schemas],
            login,
            become,
        )
    except asyncpg.UndefinedObjectError as error:
        raise UnknownLogin(str(error)) from None
    return [row["rolname"] for row in rows]
