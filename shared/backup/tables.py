"""The rows of all services: out of one snapshot, and into an empty database.

COPY in its text format, which every version of PostgreSQL reads; so a backup also moves an
installation from one version to another, and from an embedded server to one elsewhere.
"""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from graphlib import TopologicalSorter
from pathlib import Path

import asyncpg
from asyncpg import Record

from shared.backup.manifest import BackupFailed, Dump, Table, sha256
from shared.db.migrate import Schema, building

_CHUNK = 256 * 1024

_TABLES = """
select schemaname, tablename from pg_tables
where schemaname = any($1) and tablename <> 'alembic_version' order by 1, 2
"""
_COLUMNS = """
select column_name from information_schema.columns
where table_schema = $1 and table_name = $2 and is_generated = 'NEVER' order by ordinal_position
"""
_SEQUENCES = """
select format('%I.%I', schemaname, sequencename) as name, last_value from pg_sequences
where schemaname = any($1) and last_value is not null order by 1
"""
_REFERENCES = """
select conrelid::regclass::text as from, confrelid::regclass::text as to from pg_constraint
where contype = 'f' and connamespace::regnamespace::text = any($1) and conrelid <> confrelid
"""
_PRESENT = "select nspname from pg_namespace where nspname = any($1)"
_FORCED = "select relforcerowsecurity from pg_class where oid = $1::regclass"


async def dump(dsn: str, schemas: Sequence[Schema], folder: Path) -> Dump:
    """Write what is in the schemas into a folder. Raises BackupFailed if not all rows are seen."""
    folder.mkdir(exist_ok=True)
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("set local row_security = off")
            return await _dump(connection, [schema.name for schema in schemas], folder)
    except asyncpg.InsufficientPrivilegeError as error:
        raise BackupFailed(
            "MARQUEE_DATABASE_ADMIN_URL: takes an account that sees every row, a superuser or one "
            f"with BYPASSRLS ({error})"
        ) from error
    finally:
        await connection.close()


async def load(dsn: str, schemas: Mapping[str, Schema], dumped: Dump, folder: Path) -> None:
    """Build the schemas as they were, and fill them: all of it or nothing.

    Raises BackupFailed if one of them is there already, SchemaTooNew if this version is older
    than what was dumped.
    """
    if strange := dumped.revisions.keys() - schemas.keys():
        raise BackupFailed(f"this version knows nothing of {', '.join(sorted(strange))}")
    revisions = {schemas[name]: revision for name, revision in dumped.revisions.items()}
    async with building(dsn, revisions) as connection:
        tables = {f"{table.schema_name}.{table.name}": table for table in dumped.tables}
        for name in await _in_order(connection, tables, list(dumped.revisions)):
            async with _unguarded(connection, name):
                await _fill(connection, tables[name], folder)
        for name, value in dumped.sequences.items():
            await connection.execute("select setval($1::regclass, $2)", name, value)


async def require_empty(dsn: str, schemas: Sequence[str]) -> None:
    """Raises BackupFailed if any of the schemas is there."""
    connection = await asyncpg.connect(dsn)
    try:
        present = sorted(row[0] for row in await connection.fetch(_PRESENT, schemas))
    finally:
        await connection.close()
    if present:
        raise BackupFailed(
            "a backup is restored into an empty database only, and this one has "
            f"{', '.join(present)}"
        )


async def _dump(
    connection: asyncpg.Connection[Record], schemas: Sequence[str], folder: Path
) -> Dump:
    present = [row[0] for row in await connection.fetch(_PRESENT, schemas)]
    revisions = {
        name: await connection.fetchval(f"select version_num from {name}.alembic_version")  # noqa: S608
        for name in sorted(present)
    }
    tables = [
        await _save(connection, row["schemaname"], row["tablename"], folder)
        for row in await connection.fetch(_TABLES, present)
    ]
    return Dump(
        taken_at=await connection.fetchval("select now()"),
        server=await connection.fetchval("select current_setting('server_version')"),
        revisions=revisions,
        tables=tuple(tables),
        # Sequences know no snapshots; read last, they are behind no row.
        sequences={
            row["name"]: row["last_value"] for row in await connection.fetch(_SEQUENCES, present)
        },
    )


async def _save(
    connection: asyncpg.Connection[Record], schema: str, name: str, folder: Path
) -> Table:
    columns = [row[0] for row in await connection.fetch(_COLUMNS, schema, name)]
    path = folder / f"{schema}.{name}.gz"
    with gzip.open(path, "wb", compresslevel=3) as file:

        async def write(data: bytes) -> None:
            file.write(data)

        status = await connection.copy_from_table(
            name, schema_name=schema, columns=columns, output=write
        )
    return Table(
        schema_name=schema,
        name=name,
        columns=tuple(columns),
        rows=int(status.removeprefix("COPY ")),
        sha256=sha256(path),
    )


async def _in_order(
    connection: asyncpg.Connection[Record], tables: Mapping[str, Table], schemas: Sequence[str]
) -> list[str]:
    """The tables, each after those that it refers to. Raises BackupFailed for one unheard of."""
    there = {
        f"{row['schemaname']}.{row['tablename']}"
        for row in await connection.fetch(_TABLES, schemas)
    }
    if strange := tables.keys() - there:
        raise BackupFailed(f"no such tables: {', '.join(sorted(strange))}")
    order = TopologicalSorter[str](dict.fromkeys(tables, ()))
    for row in await connection.fetch(_REFERENCES, schemas):
        order.add(row["from"], row["to"])
    return [name for name in order.static_order() if name in tables]


@asynccontextmanager
async def _unguarded(connection: asyncpg.Connection[Record], table: str) -> AsyncIterator[None]:
    """Without what watches over changes: these rows went through it once.

    The owner of a table is held back by its policies only where they are forced.
    """
    forced = await connection.fetchval(_FORCED, table)
    await connection.execute(f"alter table {table} disable trigger user")
    if forced:
        await connection.execute(f"alter table {table} no force row level security")
    yield
    if forced:
        await connection.execute(f"alter table {table} force row level security")
    await connection.execute(f"alter table {table} enable trigger user")


async def _fill(connection: asyncpg.Connection[Record], table: Table, folder: Path) -> None:
    with gzip.open(folder / table.file, "rb") as file:

        async def chunks() -> AsyncIterator[bytes]:
            while chunk := file.read(_CHUNK):
                yield chunk

        status = await connection.copy_to_table(
            table.name, schema_name=table.schema_name, columns=table.columns, source=chunks()
        )
    if status != f"COPY {table.rows}":
        raise BackupFailed(f"{table.file}: {table.rows} rows were saved, but {status} came back")
