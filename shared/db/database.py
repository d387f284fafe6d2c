"""The only door to a service's tables: a transaction with its tenant, its locks and its events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import orjson
from asyncpg import Record

from shared.contracts.context import TENANT, Context
from shared.contracts.envelope import Message, seal
from shared.contracts.event import Event
from shared.db.sealing import FieldCipher, Place
from shared.db.statement import OUTBOX, Statement, outbox_parameter

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    AnyConnection = asyncpg.Connection[Record] | PoolConnectionProxy[Record]

EVERY_TENANT = "*"
"""Opens the rows of all tenants, only in tables whose policy says that something sweeps them."""

DATABASE_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Whatever a database that went away may raise; the last, when it went at an awkward moment."""

DATABASE_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""What says that it cannot answer now, through no fault of the statement: ask again later."""

ACQUIRE_SECONDS = 10.0
"""How long a transaction waits for a connection of its pool."""

_CONNECTIONS = 16
"""Of one service in one process, at most."""

_TENANT = re.compile(TENANT)


def is_tenant(text: str) -> bool:
    """Whether this could be the id of a tenant."""
    return _TENANT.fullmatch(text) is not None


class LockTaken(Exception):
    """Another transaction has the lock that this one would not wait for."""


class Clock:
    """The database's clock plus an offset that only tests set; production has no door to it."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def at(self, database_time: datetime) -> datetime:
        """What time it is for us when the database says ``database_time``."""
        return database_time + self.offset


class Tx:
    """A transaction under way. The caller of a command owns it; nobody else commits.

    ``emit`` keeps an event with the change it tells of: both are committed, or neither.
    ``context`` says who acts; a consumer that handles a batch sets it for each event.
    """

    def __init__(self, connection: AnyConnection, context: Context, database: Database) -> None:
        self.connection = connection
        self.context = context
        self._database = database
        self._now: datetime | None = None
        self._events: list[tuple[UUID, Event, Context, str | None]] = []
        self._forwarded: list[tuple[Message, str]] = []
        self._kept: tuple[str, bytes, bytes] | None = None
        self.flushed = False

    async def fetch(self, statement: Statement, **parameters: Any) -> list[Record]:
        """All rows."""
        return await self.connection.fetch(statement.sql, *statement.arguments(parameters))

    async def fetchrow(self, statement: Statement, **parameters: Any) -> Record | None:
        """The first row, or None."""
        return await self.connection.fetchrow(statement.sql, *statement.arguments(parameters))

    async def fetchval(self, statement: Statement, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.fetchval(statement.sql, *statement.arguments(parameters))

    async def execute(self, statement: Statement, **parameters: Any) -> int:
        """Run a statement; return how many rows it touched."""
        if statement.tells:
            outbox = self._take_outbox(await self.now())
            parameters |= dict(zip(map(outbox_parameter, OUTBOX), outbox, strict=True))
            self.flushed = self.flushed or bool(outbox[0])
        tag = await self.connection.execute(statement.sql, *statement.arguments(parameters))
        return int(tag.rpartition(" ")[2]) if tag[-1].isdigit() else 0

    async def now(self) -> datetime:
        """The time of this transaction: read once, after its locks were taken."""
        if self._now is None:
            database_time: datetime = await self.connection.fetchval("select clock_timestamp()")
            self._now = self._database.clock.at(database_time)
        return self._now

    def saw(self, database_time: datetime) -> datetime:
        """Take the time from a statement that selected ``clock_timestamp()``; no round trip."""
        self._now = self._database.clock.at(database_time)
        return self._now

    def new_id(self) -> UUID:
        """A UUIDv7."""
        return self._database.new_id()

    @asynccontextmanager
    async def within(self, tenant: str) -> AsyncIterator[None]:
        """Inside the block, act in another tenant: see its rows, write them, emit its events.

        For what the operator does to tenants. An error inside ends the whole transaction.
        """
        outside = self.context
        await self._enter(replace(outside, tenant=tenant))
        yield
        await self._enter(outside)

    async def _enter(self, context: Context) -> None:
        _require_tenant(context.tenant)
        await self.connection.execute("select set_config('app.tenant', $1, true)", context.tenant)
        self.context = context

    def emit(self, event: Event, *, to: str | None = None) -> UUID:
        """Publish this fact when, and only when, the transaction commits; return the event's id.

        ``to`` is the name of the one queue that shall get it, instead of all that are bound to it.
        """
        ident = self.new_id()
        self._events.append((ident, event, self.context, to))
        return ident

    def forward(self, message: Message, *, to: str) -> None:
        """Send a message, as it is, to one queue when the transaction commits."""
        self._forwarded.append((message, to))

    def keep(self, actor: str, key: bytes, answer: bytes) -> None:
        """Keep what this transaction answered, for when the same is asked again.

        The schema has the table of ``shared.db.idempotency``, and the caller the claim's lock.
        """
        place = self._database.place_of_answer(self.context.tenant, actor, key)
        self._kept = (actor, key, self._database.cipher.seal(place, answer))

    async def write_outbox(self) -> bool:
        """Store the emitted events, and the answer to keep; whether there were any events."""
        if not (self._events or self._forwarded) and self._kept is None:
            return False
        time = await self.now()
        outbox = self._take_outbox(time)
        if self._kept is None:
            await self.connection.execute(self._database.insert_outbox, *outbox)
        else:
            keep = self._database.insert_outbox_and_answer
            await self.connection.execute(keep, *outbox, *self._kept, time)
        return bool(outbox[0])

    async def flush(self) -> None:
        """Store the events emitted so far, where a transaction has more than memory should hold."""
        outbox = self._take_outbox(await self.now())
        await self.connection.execute(self._database.insert_outbox, *outbox)
        self.flushed = True

    def _take_outbox(self, time: datetime) -> tuple[list[Any], ...]:
        """The columns of the rows to store; a row's type is what it is routed by."""
        sealed = [
            (seal(event, ident=ident, time=time, context=context), to)
            for ident, event, context, to in self._events
        ]
        rows = [*sealed, *self._forwarded]
        self._events, self._forwarded = [], []
        return (
            [m.id for m, _ in rows],
            [to or m.name for m, to in rows],
            [m.headers.get("ce-subject", "") for m, _ in rows],
            [orjson.dumps(m.headers) for m, _ in rows],
            [m.body for m, _ in rows],
        )


class Database:
    """A service's schema, seen through its own role.

    ``new_id`` and ``clock`` come from the runtime, so that tests can set them. ``cipher`` seals
    the secrets in its columns. ``on_emit`` is called after a commit that wrote to the outbox, to
    wake the relay. ``full`` is set while the outbox has as many rows as it may: then no command
    shall add to them.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[Record],
        schema: str,
        *,
        new_id: Callable[[], UUID],
        clock: Clock,
        cipher: FieldCipher,
    ) -> None:
        self.pool = pool
        self.cipher = cipher
        self.schema = schema
        self.new_id = new_id
        self.clock = clock
        self.on_emit: Callable[[], None] = lambda: None
        self.full = False
        self.insert_outbox = (
            f"insert into {schema}.outbox (id, type, aggregateid, headers, payload) "  # noqa: S608
            "select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])"
        )
        # A row that is there already is too old, and not swept yet.
        self.insert_outbox_and_answer = (
            f"with kept as (insert into {schema}.idempotency_keys "  # noqa: S608
            "(actor, key, answer, answered_at) values ($6, $7, $8, $9) "
            "on conflict (key, actor, tenant_id) do update "
            "set answer = excluded.answer, answered_at = excluded.answered_at) "
            f"{self.insert_outbox}"
        )

    def place_of_answer(self, tenant: str, actor: str, key: bytes) -> Place:
        """Where the answer to a request is kept."""
        row = f"{tenant} {actor} {key.hex()}"
        return Place(f"{self.schema}.idempotency_keys", "answer", row)

    def transaction(
        self, context: Context, *locks: int, alone: int | None = None
    ) -> AbstractAsyncContextManager[Tx]:
        """Begin as the context's tenant and take the advisory locks, in one round trip.

        Pass locks sorted; each is a 64-bit key, held until the end of the transaction. ``alone``
        is one that is not waited for, nor any other if it is taken: raises LockTaken. The
        events emitted are written just before the commit. A cancelled or failed block rolls back.
        """
        return self._transaction("begin", context, locks, alone)

    def snapshot(self, context: Context) -> AbstractAsyncContextManager[Tx]:
        """A transaction that only reads, and sees one moment however many statements it takes."""
        return self._transaction("begin isolation level repeatable read read only", context)

    @asynccontextmanager
    async def _transaction(
        self,
        begin: str,
        context: Context,
        locks: Sequence[int] = (),
        alone: int | None = None,
    ) -> AsyncIterator[Tx]:
        _require_tenant(context.tenant)
        taken = "".join(f", pg_advisory_xact_lock({int(key)})" for key in locks)
        async with self.pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            tx = Tx(connection, context, self)
            try:
                tag = await connection.execute(
                    f"{begin}; select set_config('app.tenant', '{context.tenant}', true){taken}"
                    f"{_provided(alone)}"
                )
                if tag == "SELECT 0":
                    raise LockTaken
                yield tx
                emitted = await tx.write_outbox() or tx.flushed
                await connection.execute("commit")
            except BaseException:
                await _roll_back(connection)
                raise
        if emitted:
            self.on_emit()

    def system_transaction(self) -> AbstractAsyncContextManager[Tx]:
        """A transaction that sees all tenants in the tables that are swept, and nowhere else."""
        return self.transaction(Context(EVERY_TENANT))

    async def reachable(self) -> bool:
        """Whether the database answers within a second."""
        try:
            async with asyncio.timeout(1):
                return bool(await self.pool.fetchval("select true"))
        except DATABASE_ERRORS:
            return False

    async def close(self) -> None:
        """Close the pool; a connection still in use is ended after ten seconds."""
        try:
            async with asyncio.timeout(10):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()


def _require_tenant(tenant: str) -> None:
    if tenant != EVERY_TENANT and not _TENANT.fullmatch(tenant):
        raise ValueError(f"not a tenant id: {tenant!r}")


def _provided(alone: int | None) -> str:
    """Ends a select that does nothing, and has no row, unless it gets a lock at once."""
    if alone is None:
        return ""
    # The offset keeps the planner from merging the two: the lock is asked for first, and once.
    return f" from (select pg_try_advisory_xact_lock({int(alone)}) as ours offset 0) it where ours"


async def _roll_back(connection: AnyConnection) -> None:
    if connection.is_closed():
        return
    try:
        await asyncio.shield(connection.execute("rollback", timeout=5))
    except DATABASE_ERRORS:
        _discard(connection)
    except asyncio.CancelledError:
        # Cancelled twice: the rollback is still under way, and the next user must not meet it.
        _discard(connection)
        raise


def _discard(connection: AnyConnection) -> None:
    """End a connection that nobody shall meet again, unless its pool has already let go of it."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


async def open_pool(dsn: str, *, role: str) -> asyncpg.Pool[Record]:
    """A pool that acts as ``role``: it sees one schema, and waits and idles only so long."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=_CONNECTIONS,
        init=_speak_json,
        reset=_leave_as_is,
        command_timeout=60,
        server_settings={
            "role": role,
            "application_name": role,
            "lock_timeout": "10s",
            "statement_timeout": "60s",
            "idle_in_transaction_session_timeout": "60s",
            # A cancellation may come before its query and miss it; who is gone then holds no locks.
            "client_connection_check_interval": "1s",
            "timezone": "UTC",
        },
    )


async def _speak_json(connection: AnyConnection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind,
            schema="pg_catalog",
            encoder=lambda value: orjson.dumps(value, default=str).decode(),
            decoder=orjson.loads,
        )


async def _leave_as_is(_: AnyConnection) -> None:
    """Nothing sets session state, so nothing needs resetting; saves a round trip per use."""
