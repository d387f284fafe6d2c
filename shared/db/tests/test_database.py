"""The door: one tenant's rows, locks in order, events with their change, connections given back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import pytest
from sqlalchemy import Column, MetaData, Table, Uuid, bindparam, insert, text

from shared.contracts.context import Context
from shared.contracts.converter import RenditionReady
from shared.db import DATABASE_ERRORS, Database, Statement
from shared.db.database import LockTaken
from shared.db.migrate import Schema
from shared.db.statement import OUTBOX
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases

DEMO = Schema("demo", Path(__file__).with_name("demo"))

ACME, GLOBEX = Context("acme"), Context("globex")

ADD_THING = Statement(text("insert into demo.things (tenant_id, id) values (:tenant, :id)"))
ADD_SWEEP = Statement(text("insert into demo.sweeps (tenant_id, id) values (:tenant, :id)"))
ADD_AND_TELL = Statement.telling(
    insert(
        Table("sweeps", MetaData(), Column("id", Uuid), Column("tenant_id"), schema="demo")
    ).values(id=bindparam("id"), tenant_id=bindparam("tenant")),
    Table("outbox", MetaData(), *(Column(*each) for each in OUTBOX.items()), schema="demo"),
)
THINGS = Statement(text("select tenant_id from demo.things"))
SWEEPS = Statement(text("select tenant_id from demo.sweeps order by tenant_id"))
NOTE = Statement(text("update demo.things set note = :note"))
TIDY = Statement(text("delete from demo.sweeps"))


@pytest.fixture
async def demo(databases: OpenDatabases) -> Databases:
    """A database with the schema ``demo``."""
    return await databases(DEMO)


@pytest.fixture
def database(demo: Databases) -> Database:
    """The schema ``demo``, seen as its service."""
    return demo["demo"]


async def add(database: Database, statement: Statement, context: Context) -> UUID:
    async with database.transaction(context) as tx:
        ident = tx.new_id()
        await tx.execute(statement, tenant=context.tenant, id=ident)
    return ident


async def tenants(database: Database, statement: Statement, context: Context) -> list[str]:
    async with database.transaction(context) as tx:
        return [row["tenant_id"] for row in await tx.fetch(statement)]


async def test_a_transaction_sees_the_rows_of_its_tenant_only(database: Database) -> None:
    await add(database, ADD_THING, ACME)
    await add(database, ADD_THING, GLOBEX)

    assert await tenants(database, THINGS, ACME) == ["acme"]


async def test_a_transaction_changes_the_rows_of_its_tenant_only(database: Database) -> None:
    await add(database, ADD_THING, ACME)
    await add(database, ADD_THING, GLOBEX)

    async with database.transaction(ACME) as tx:
        assert await tx.execute(NOTE, note="ours") == 1


async def test_writing_for_another_tenant_is_refused(database: Database) -> None:
    async with database.transaction(ACME) as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await tx.execute(ADD_THING, tenant="globex", id=tx.new_id())


async def test_without_a_tenant_nothing_is_seen_or_written(database: Database) -> None:
    await add(database, ADD_THING, ACME)

    async with database.pool.acquire() as connection:
        assert await connection.fetch(THINGS.sql) == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(ADD_THING.sql, "acme", database.new_id())


async def test_a_connection_forgets_its_tenant_with_the_transaction(database: Database) -> None:
    await add(database, ADD_THING, ACME)

    async with database.pool.acquire() as connection:
        assert await connection.fetchval("select current_setting('app.tenant', true)") == ""
        assert await connection.fetch(THINGS.sql) == []


async def test_a_system_transaction_sweeps_all_tenants_where_the_table_says_so(
    database: Database,
) -> None:
    for context in (ACME, GLOBEX):
        await add(database, ADD_SWEEP, context)
        await add(database, ADD_THING, context)

    async with database.system_transaction() as tx:
        assert [row["tenant_id"] for row in await tx.fetch(SWEEPS)] == ["acme", "globex"]
        assert await tx.fetch(THINGS) == []
        assert await tx.execute(TIDY) == 2


@pytest.mark.parametrize("tenant", ["", "Acme", "a'b", "a;select", "-x", "**", "x" * 64])
async def test_a_tenant_that_is_no_tenant_is_refused(database: Database, tenant: str) -> None:
    with pytest.raises(ValueError, match="not a tenant id"):
        async with database.transaction(Context(tenant)):
            pass


async def test_the_same_lock_is_held_by_one_transaction_at_a_time(database: Database) -> None:
    async with database.transaction(ACME, 7):
        waiting = asyncio.create_task(add_under_lock(database, 7))
        other = asyncio.create_task(add_under_lock(database, 8))
        await asyncio.wait_for(other, 5)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)


async def test_a_lock_that_is_not_waited_for_is_had_at_once_or_not_at_all(
    database: Database,
) -> None:
    async with asyncio.timeout(5), database.transaction(ACME, 7, alone=9) as tx:
        assert await tx.fetch(THINGS) == []  # the tenant is set
        with pytest.raises(LockTaken):
            async with database.transaction(ACME, 7, alone=9):  # nor is 7 waited for
                pass
    async with asyncio.timeout(5), database.transaction(ACME, 7, alone=9) as tx:
        await tx.execute(ADD_THING, tenant="acme", id=tx.new_id())


async def add_under_lock(database: Database, lock: int) -> None:
    async with database.transaction(ACME, lock) as tx:
        await tx.execute(ADD_THING, tenant="acme", id=tx.new_id())


async def test_time_is_read_after_the_lock_was_taken(database: Database) -> None:
    async with database.transaction(ACME, 7) as first:
        waiting = asyncio.create_task(time_under_lock(database, 7))
        await first.fetchval(Statement(text("select pg_sleep(0.05)")))
        last = await first.now()
    assert await waiting > last


async def time_under_lock(database: Database, lock: int) -> datetime:
    async with database.transaction(ACME, lock) as tx:
        return await tx.now()


async def test_the_clock_of_a_test_moves_the_time(demo: Databases) -> None:
    async with demo["demo"].transaction(ACME) as tx:
        before = await tx.now()
    demo.clock.offset = timedelta(seconds=30)
    async with demo["demo"].transaction(ACME) as tx:
        assert await tx.now() >= before + timedelta(seconds=30)


def a_fact(database: Database) -> RenditionReady:
    return RenditionReady(asset_id=database.new_id(), rendition="webm", object_key="acme/x.webm")


async def test_an_event_is_stored_with_the_change_it_tells_of(demo: Databases) -> None:
    database = demo["demo"]
    woken = asyncio.Event()
    database.on_emit = woken.set

    async with database.transaction(ACME) as tx:
        ident = tx.emit(a_fact(database))
        assert await demo.as_admin("select from demo.outbox") == []

    (row,) = await demo.as_admin("select * from demo.outbox")
    assert (row["id"], row["type"]) == (ident, "converter.asset.rendition_ready")
    assert orjson.loads(row["headers"])["ce-tenantid"] == "acme"
    assert woken.is_set()


async def test_a_statement_can_store_the_events_with_the_change(demo: Databases) -> None:
    """And what is emitted later is stored at the end; both wake the relay."""
    database = demo["demo"]
    woken: list[bool] = []
    database.on_emit = lambda: woken.append(True)

    async with database.transaction(ACME) as tx:
        first = tx.emit(a_fact(database))
        await tx.execute(ADD_AND_TELL, tenant="acme", id=tx.new_id())
        [row] = await tx.connection.fetch("select id from demo.outbox")
        assert row["id"] == first
    assert woken == [True]
    async with database.transaction(ACME) as tx:
        await tx.execute(ADD_AND_TELL, tenant="acme", id=tx.new_id())
        last = tx.emit(a_fact(database))

    rows = await demo.as_admin("select id from demo.outbox order by seq")
    assert [row["id"] for row in rows] == [first, last]


async def test_a_change_that_fails_publishes_nothing(demo: Databases) -> None:
    database = demo["demo"]
    database.on_emit = lambda: pytest.fail("nothing was emitted")

    with pytest.raises(LookupError):
        async with database.transaction(ACME) as tx:
            await tx.execute(ADD_THING, tenant="acme", id=tx.new_id())
            tx.emit(a_fact(database))
            raise LookupError

    assert await demo.as_admin("select from demo.outbox") == []
    assert await demo.as_admin("select from demo.things") == []


async def test_events_keep_the_order_in_which_they_were_emitted(demo: Databases) -> None:
    database = demo["demo"]
    async with database.transaction(ACME) as tx:
        emitted = [tx.emit(a_fact(database)) for _ in range(50)]

    rows = await demo.as_admin("select id from demo.outbox order by seq")
    assert [row["id"] for row in rows] == emitted


async def test_a_cancelled_transaction_gives_its_connection_back_clean(
    database: Database,
) -> None:
    async def hang() -> None:
        async with database.transaction(ACME, 7) as tx:
            await tx.execute(ADD_THING, tenant="acme", id=tx.new_id())
            began.set()
            await tx.fetchval(Statement(text("select pg_sleep(60)")))

    for _ in range(20):  # more often than the pool has connections
        began = asyncio.Event()
        task = asyncio.create_task(hang())
        await asyncio.wait_for(began.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)

    async with asyncio.timeout(20), database.transaction(ACME, 7) as tx:
        assert await tx.fetch(THINGS) == []


async def test_a_transaction_whose_connection_died_fails_and_the_next_one_works(
    demo: Databases,
) -> None:
    database = demo["demo"]
    with pytest.raises(DATABASE_ERRORS):
        async with database.transaction(ACME) as tx:
            pid = await tx.fetchval(Statement(text("select pg_backend_pid()")))
            await demo.as_admin("select pg_terminate_backend($1)", pid)
            await tx.fetch(THINGS)

    assert await tenants(database, THINGS, ACME) == []


async def test_a_snapshot_sees_one_moment_and_writes_nothing(database: Database) -> None:
    async with database.snapshot(ACME) as tx:
        assert await tx.fetch(THINGS) == []
        await add(database, ADD_THING, ACME)
        assert await tx.fetch(THINGS) == []
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await tx.execute(NOTE, note="no")


async def test_a_service_reaches_its_own_schema_only(demo: Databases) -> None:
    await demo.as_admin("create schema neighbour create table secrets (id int)")

    async with demo["demo"].transaction(ACME) as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.fetch(Statement(text("select * from neighbour.secrets")))


async def test_json_columns_are_python_values(database: Database) -> None:
    async with database.transaction(ACME) as tx:
        value = await tx.fetchval(
            Statement(text("select cast(:value as jsonb)")), value={"a": [1, None]}
        )
    assert value == {"a": [1, None]}


async def test_an_unreachable_database_is_told_from_a_reachable_one(database: Database) -> None:
    assert await database.reachable()
    await database.close()
    assert not await database.reachable()
