"""Databases of a test's own: copies of one that was migrated once per run."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from os import getpid
from pathlib import Path
from typing import Any

import asyncpg

from shared.db.database import Clock, Database, open_pool
from shared.db.embedded import LOGIN
from shared.db.migrate import Schema, migrate
from shared.db.sealing import FieldCipher
from shared.runtime.ids import new_id

CIPHER = FieldCipher(b"a key for tests, of 32 bytes    ")

_ROOT = Path(__file__).parents[2]
_numbers = count()


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """The server of this test run."""

    login: str
    admin: str

    def dsn(self, database: str) -> str:
        """Where services connect."""
        return self.login.format(database=database)

    def admin_dsn(self, database: str = "postgres") -> str:
        """Where the superuser connects."""
        return self.admin.format(database=database)


class Databases(Mapping[str, Database]):
    """One fresh database, seen as each of its services: ``databases["audit"]``.

    All share ``clock``, whose ``offset`` a test may set.
    """

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.name = name
        self.dsn = server.dsn(name)
        self.admin_dsn = server.admin_dsn(name)
        self.clock = Clock()
        self._by_schema: dict[str, Database] = {}

    def __getitem__(self, schema: str) -> Database:
        return self._by_schema[schema]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_schema)

    def __len__(self) -> int:
        return len(self._by_schema)

    async def open(self, schema: Schema) -> None:
        """Connect as the role of a schema."""
        pool = await open_pool(self.dsn, role=schema.role)
        self._by_schema[schema.name] = Database(
            pool, schema.name, new_id=new_id, clock=self.clock, cipher=CIPHER
        )

    async def as_admin(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run SQL as the superuser, past every fence: to look, or to break things on purpose."""
        connection = await asyncpg.connect(self.admin_dsn)
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            await connection.close()

    async def close(self) -> None:
        """Close all pools."""
        for database in self.values():
            await database.close()


def schema_of(name: str) -> Schema:
    """The schema of a service, or of the embedded bus."""
    if name == "bus":
        return Schema("bus", _ROOT / "shared/bus/migrations", relays=True)
    return Schema(name, _ROOT / "services" / name / "migrations")


@asynccontextmanager
async def fresh_databases(
    server: PostgresServer, *wanted: str | Schema
) -> AsyncIterator[Databases]:
    """A new database with the schemas migrated; dropped at the end. Takes about 30 ms."""
    schemas = [schema_of(each) if isinstance(each, str) else each for each in wanted]
    admin = await asyncpg.connect(server.admin_dsn())
    try:
        template = await _template(admin, server, schemas)
        databases = Databases(server, f"test_{getpid()}_{next(_numbers)}")
        await admin.execute(
            f"create database {databases.name} template {template} strategy file_copy"
        )
        try:
            for schema in schemas:
                await databases.open(schema)
            yield databases
        finally:
            await databases.close()
            await admin.execute(f"drop database {databases.name} with (force)")
    finally:
        await admin.close()


async def _template(
    admin: asyncpg.Connection[asyncpg.Record], server: PostgresServer, schemas: Sequence[Schema]
) -> str:
    """The database to copy; made by the first that needs it while the others wait."""
    places = " ".join(f"{schema.name}={schema.migrations}" for schema in schemas)
    digest = hashlib.sha256(places.encode())
    name = f"template_{digest.hexdigest()[:16]}"
    key = int.from_bytes(digest.digest()[:7])
    await admin.execute("select pg_advisory_lock($1)", key)
    try:
        if not await admin.fetchval("select true from pg_database where datname = $1", name):
            await admin.execute(f"drop database if exists building_{name} with (force)")
            await admin.execute(f"create database building_{name}")
            await migrate(server.admin_dsn(f"building_{name}"), schemas, login=LOGIN)
            await admin.execute(f"alter database building_{name} rename to {name}")
    finally:
        await admin.execute("select pg_advisory_unlock($1)", key)
    return name
