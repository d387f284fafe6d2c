"""Rows come back as they were, past every guard, and only where nothing is yet."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from asyncpg import Record

from shared.backup import tables
from shared.backup.manifest import BackupFailed, Dump
from shared.db.embedded import LOGIN
from shared.db.migrate import Schema, SchemaTooNew, migrate
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases

DEMO = Schema("demo", Path(__file__).parent / "demo")

ROWS = """
alter table demo.trunks disable trigger user;
insert into demo.trunks values
    ('00000000-0000-7000-8000-000000000002', null),
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002');
alter table demo.trunks enable trigger user;
insert into demo.leaves (tenant_id, trunk_id, bytes, words, facts, at, half) values
    ('default', '00000000-0000-7000-8000-000000000001', '\\x00ff0a5c', '{a,"b \\\\ c",NULL,""}',
        '{"tab": "\\t", "line": "\\n"}', '2026-05-04 12:00:00.000001+02', 1.50),
    ('other', null, '', '{}', 'null', 'infinity', 'NaN'),
    ('other', null, null, null, null, null, null);
"""
ALL = """
select each::text from demo.trunks as each union all select each::text from demo.leaves as each
order by 1
"""


@pytest.fixture
async def full(databases: OpenDatabases) -> Databases:
    """A database with some rows."""
    opened = await databases(DEMO)
    for statement in ROWS.split(";\n"):
        await opened.as_admin(statement)
    return opened


@pytest.fixture
async def empty(databases: OpenDatabases) -> Databases:
    """A database with nothing in it."""
    return await databases()


async def _all(databases: Databases) -> list[Record]:
    return await databases.as_admin(ALL)


async def _load(databases: Databases, dumped: Dump, folder: Path) -> None:
    await tables.load(databases.admin_dsn, {"demo": DEMO}, dumped, folder)


async def test_every_row_comes_back_as_it_was(
    full: Databases, empty: Databases, tmp_path: Path
) -> None:
    dumped = await tables.dump(full.admin_dsn, [DEMO], tmp_path)
    assert (dumped.rows, dumped.revisions) == (5, {"demo": "0002"})

    await _load(empty, dumped, tmp_path)

    assert await _all(empty) == await _all(full)
    (added,) = await empty.as_admin("insert into demo.leaves default values returning id, colour")
    assert (added["id"], added["colour"]) == (4, "green")


async def test_guards_and_fences_stand_again(
    full: Databases, empty: Databases, tmp_path: Path
) -> None:
    await _load(empty, await tables.dump(full.admin_dsn, [DEMO], tmp_path), tmp_path)

    with pytest.raises(asyncpg.RaiseError, match="too late"):
        await empty.as_admin("insert into demo.trunks values (gen_random_uuid())")
    (fences,) = await empty.as_admin(
        "select relrowsecurity, relforcerowsecurity from pg_class where relname = 'leaves'"
    )
    assert tuple(fences) == (True, True)


async def test_an_older_backup_is_brought_up_to_date(
    full: Databases, empty: Databases, tmp_path: Path
) -> None:
    await full.as_admin("alter table demo.leaves drop column colour")
    await full.as_admin("update demo.alembic_version set version_num = '0001'")

    await _load(empty, await tables.dump(full.admin_dsn, [DEMO], tmp_path), tmp_path)
    await migrate(empty.admin_dsn, [DEMO])

    rows = await empty.as_admin("select distinct colour, count(*) from demo.leaves group by 1")
    assert [tuple(row) for row in rows] == [("green", 3)]


async def test_a_newer_backup_is_refused_and_nothing_is_made(
    full: Databases, empty: Databases, tmp_path: Path
) -> None:
    dumped = await tables.dump(full.admin_dsn, [DEMO], tmp_path)
    newer = dumped.model_copy(update={"revisions": {"demo": "0003"}})
    stranger = dumped.model_copy(update={"revisions": {"demo": "0002", "other": "0001"}})

    with pytest.raises(SchemaTooNew, match="0003"):
        await _load(empty, newer, tmp_path)
    with pytest.raises(BackupFailed, match="other"):
        await _load(empty, stranger, tmp_path)

    await tables.require_empty(empty.admin_dsn, ["demo"])


async def test_a_load_that_fails_leaves_nothing(
    full: Databases, empty: Databases, tmp_path: Path
) -> None:
    dumped = await tables.dump(full.admin_dsn, [DEMO], tmp_path)
    short = [
        table.model_copy(update={"rows": table.rows + 1}) if table.name == "leaves" else table
        for table in dumped.tables
    ]

    with pytest.raises(BackupFailed, match=r"leaves.*4 rows.*COPY 3"):
        await _load(empty, dumped.model_copy(update={"tables": tuple(short)}), tmp_path)

    await tables.require_empty(empty.admin_dsn, ["demo"])


async def test_only_an_empty_database_will_do(full: Databases, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match=r"empty database only.*demo"):
        await tables.require_empty(full.admin_dsn, ["demo"])


async def test_who_does_not_see_every_row_backs_up_nothing(full: Databases, tmp_path: Path) -> None:
    await full.as_admin(f"grant usage on schema demo to {LOGIN}")
    await full.as_admin(f"grant select on all tables in schema demo to {LOGIN}")

    with pytest.raises(BackupFailed, match=r"MARQUEE_DATABASE_ADMIN_URL: .*every row"):
        await tables.dump(full.dsn, [DEMO], tmp_path)


async def test_what_is_written_meanwhile_is_all_in_or_all_out(
    full: Databases, empty: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = tables._save

    async def slowly(*arguments: object) -> object:
        saved = await save(*arguments)  # type: ignore[arg-type]
        await full.as_admin("insert into demo.leaves default values")
        return saved

    monkeypatch.setattr(tables, "_save", slowly)
    dumped = await tables.dump(full.admin_dsn, [DEMO], tmp_path)
    assert dumped.rows == 5
    await _load(empty, dumped, tmp_path)
    (added,) = await empty.as_admin("insert into demo.leaves default values returning id")
    assert added["id"] > 3
