"""Migrations run once, whoever asks first, and never on a database from the future."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from textwrap import dedent

import asyncpg
import pytest

from shared.db.embedded import LOGIN
from shared.db.migrate import Schema, SchemaTooNew, TwoHeads, migrate, require_current
from shared.testing.databases import Databases, PostgresServer, fresh_databases

Write = Callable[..., Schema]


@pytest.fixture
async def empty(postgres: PostgresServer) -> AsyncIterator[Databases]:
    """A database without any schema."""
    async with fresh_databases(postgres) as databases:
        yield databases


@pytest.fixture
def schema(tmp_path: Path) -> Write:
    """``schema("demo", "create table demo.a ()", ...)``: a tree with a revision per statement."""

    def write(name: str, *upgrades: str, relays: bool = False) -> Schema:
        versions = tmp_path / f"the 100% {name}" / "versions"
        versions.mkdir(parents=True, exist_ok=True)
        for number, upgrade in enumerate(upgrades, 1):
            before = f'"{number - 1:04}"' if number > 1 else None
            revision(versions, f"{number:04}", before, upgrade)
        return Schema(name, versions.parent, relays=relays)

    return write


def revision(versions: Path, name: str, before: str | None, upgrade: str) -> None:
    (versions / f"{name}_test.py").write_text(
        dedent(f'''
            from alembic import op

            revision: str = "{name}"
            down_revision: str | None = {before}

            def upgrade() -> None:
                op.execute("{upgrade}")
        ''')
    )


def before(newer: Schema, name: str) -> Path:
    """The migrations of a version that did not have this revision yet."""
    older = newer.migrations.with_name(f"before {name}")
    shutil.copytree(newer.migrations, older)
    for path in (older / "versions").glob("*_test.py"):
        if path.name >= name:
            path.unlink()
    return older


async def tables(databases: Databases, schema: str) -> set[str]:
    rows = await databases.as_admin(
        "select tablename from pg_tables where schemaname = $1 order by 1", schema
    )
    return {row["tablename"] for row in rows} - {"alembic_version"}


async def test_revisions_run_in_order_and_only_once(empty: Databases, schema: Write) -> None:
    first = schema("demo", "create table demo.a (id int)")
    await migrate(empty.admin_dsn, [first])
    await empty.as_admin("insert into demo.a values (1)")

    both = schema("demo", "create table demo.a (id int)", "alter table demo.a rename to b")
    await migrate(empty.admin_dsn, [both])
    await migrate(empty.admin_dsn, [both])

    assert await tables(empty, "demo") == {"b"}
    assert len(await empty.as_admin("select from demo.b")) == 1


async def test_every_schema_has_a_line_of_revisions_of_its_own(
    empty: Databases, schema: Write
) -> None:
    await migrate(
        empty.admin_dsn,
        [
            schema("one", "create table one.a ()"),
            schema("two", "create table two.b ()", "create table two.c ()"),
        ],
    )

    assert await tables(empty, "one") == {"a"}
    assert await tables(empty, "two") == {"b", "c"}


async def test_many_that_start_together_take_turns(empty: Databases, schema: Write) -> None:
    wanted = schema("demo", "create table demo.a (id int)", "insert into demo.a values (1)")

    async with asyncio.timeout(60):
        await asyncio.gather(*(migrate(empty.admin_dsn, [wanted], login=LOGIN) for _ in range(5)))

    assert len(await empty.as_admin("select from demo.a")) == 1


async def test_processes_that_start_together_take_turns(empty: Databases, schema: Write) -> None:
    wanted = schema("demo", "create table demo.a (id int)", "select pg_sleep(0.3)")
    script = (
        "import asyncio, sys; from pathlib import Path; from shared.db.migrate import *; "
        "asyncio.run(migrate(sys.argv[1], [Schema('demo', Path(sys.argv[2]))], login=sys.argv[3]))"
    )

    async def run() -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, empty.admin_dsn, str(wanted.migrations), LOGIN
        )
        return await asyncio.wait_for(process.wait(), 60)

    assert list(await asyncio.gather(run(), run())) == [0, 0]
    assert await tables(empty, "demo") == {"a"}


async def test_a_migration_that_fails_leaves_nothing_behind(
    empty: Databases, schema: Write
) -> None:
    broken = schema("demo", "create table demo.a ()", "select 1 / 0")
    with pytest.raises(Exception, match="division by zero"):
        await migrate(empty.admin_dsn, [broken])

    assert not await empty.as_admin("select from pg_namespace where nspname = 'demo'")


async def test_a_database_of_a_newer_version_is_refused_untouched(
    empty: Databases, schema: Write
) -> None:
    await migrate(empty.admin_dsn, [schema("demo", "create table demo.a ()")])
    await empty.as_admin("update demo.alembic_version set version_num = '0777'")
    other = schema("other", "create table other.a ()")

    with pytest.raises(SchemaTooNew, match="demo of the database is at revision 0777"):
        await migrate(empty.admin_dsn, [other, schema("demo", "create table demo.a ()")])

    assert await tables(empty, "other") == set()


async def test_a_newer_schema_that_an_older_version_can_use_is_left_to_it(
    empty: Databases, schema: Write
) -> None:
    newer = schema("demo", "create table demo.a ()", "create table demo.b ()")
    older = Schema("demo", before(newer, "0002"))
    await migrate(empty.admin_dsn, [newer], login=LOGIN)

    await migrate(empty.admin_dsn, [older], login=LOGIN)
    await require_current(empty.dsn, [older])

    assert await tables(empty, "demo") == {"a", "b"}


async def test_a_newer_schema_that_an_older_version_would_damage_is_refused(
    empty: Databases, schema: Write
) -> None:
    newer = schema("demo", "create table demo.a ()", "drop table demo.a", "create table demo.b ()")
    second = newer.migrations / "versions/0002_test.py"
    second.write_text(second.read_text() + 'compatible_from = "0002"\n')
    await migrate(empty.admin_dsn, [newer], login=LOGIN)

    first = Schema("demo", before(newer, "0002"))
    with pytest.raises(SchemaTooNew, match="at revision 0003"):
        await migrate(empty.admin_dsn, [first], login=LOGIN)
    with pytest.raises(SchemaTooNew, match="at revision 0003"):
        await require_current(empty.dsn, [first])
    await migrate(empty.admin_dsn, [Schema("demo", before(newer, "0003"))], login=LOGIN)


async def test_revisions_written_side_by_side_are_refused(empty: Databases, schema: Write) -> None:
    forked = schema("demo", "create table demo.a ()")
    revision(forked.migrations / "versions", "0002", '"0001"', "select 1")
    revision(forked.migrations / "versions", "0003", '"0001"', "select 1")

    with pytest.raises(TwoHeads, match=r"\['0002', '0003'\]"):
        await migrate(empty.admin_dsn, [forked])


async def as_role(databases: Databases, role: str, sql: str) -> None:
    connection = await asyncpg.connect(databases.dsn, server_settings={"role": role})
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_the_role_may_work_in_its_schema_and_change_nothing_else(
    empty: Databases, schema: Write
) -> None:
    wanted = schema(
        "demo",
        "create table demo.a (n int generated always as identity, m serial)",
        "create table demo.sealed (n int)",
        "revoke update, delete on demo.sealed from marquee_demo",
    )
    await migrate(empty.admin_dsn, [wanted], login=LOGIN)

    await as_role(empty, wanted.role, "insert into demo.a default values; delete from demo.a")
    await as_role(empty, wanted.role, "insert into demo.sealed values (1)")
    for forbidden in (
        "update demo.sealed set n = 2",
        "delete from demo.sealed",
        "truncate demo.a",
        "drop table demo.a",
        "create table demo.mine ()",
        "update demo.alembic_version set version_num = 'x'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_role(empty, wanted.role, forbidden)


async def test_the_login_alone_may_do_nothing(empty: Databases, schema: Write) -> None:
    await migrate(empty.admin_dsn, [schema("demo", "create table demo.a ()")], login=LOGIN)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_role(empty, LOGIN, "select from demo.a")


async def test_a_schema_that_relays_may_empty_the_outboxes_of_others(
    empty: Databases, schema: Write
) -> None:
    bus = schema("demobus", "create table demobus.queue ()", relays=True)
    service = schema("demo", "create table demo.outbox (n int)", "create table demo.a ()")
    await migrate(empty.admin_dsn, [bus, service], login=LOGIN)

    await as_role(
        empty,
        bus.role,
        "delete from demo.outbox where n in (select n from demo.outbox for update skip locked)",
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_role(empty, bus.role, "select from demo.a")


async def test_a_login_that_came_later_is_let_in(empty: Databases, schema: Write) -> None:
    wanted = schema("demo", "create table demo.a ()")
    await migrate(empty.admin_dsn, [wanted])
    await empty.as_admin("create role late_comer noinherit")
    try:
        await migrate(empty.admin_dsn, [wanted], login="late_comer")
        (row,) = await empty.as_admin("select pg_has_role('late_comer', 'marquee_demo', 'SET')")
        assert row["pg_has_role"]
    finally:
        await empty.as_admin("drop role late_comer")
