"""The four tables that were asked for: columns, what they refer to, how rows are found."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases

STATUSES = {"pending", "processing", "completed", "failed"}


@dataclass(frozen=True)
class Promise:
    """What a table must have: ``columns`` tell the type, a ``?`` that there may be none."""

    columns: dict[str, str]
    references: dict[str, str]
    found_by: tuple[str, ...]


PROMISES = {
    "converter.admin_media_assets": Promise(
        {
            "conversion_status": "text",
            "gif_url": "text?",
            "webm_url": "text?",
            "thumbnail_url": "text?",
            "conversion_error": "text?",
            "user_id": "uuid?",
            "assigned_at": "timestamp with time zone?",
            "assigned_by": "uuid?",
        },
        {"user_id": "users", "assigned_by": "admins"},
        ("user_id", "conversion_status"),
    ),
    "converter.queue_jobs": Promise(
        {
            "id": "uuid",
            "asset_id": "uuid",
            "job_type": "text",
            "status": "text",
            "input_path": "text",
            "output_paths": "jsonb?",
            "error": "text?",
            "retry_count": "integer",
            "max_retries": "integer",
            "created_at": "timestamp with time zone",
            "started_at": "timestamp with time zone?",
            "completed_at": "timestamp with time zone?",
        },
        {"asset_id": "admin_media_assets"},
        ("asset_id", "status"),
    ),
    "assignment.asset_assignments": Promise(
        {
            "id": "uuid",
            "asset_id": "uuid",
            "user_id": "uuid",
            "previous_asset_id": "uuid?",
            "assigned_by": "uuid",
            "assigned_at": "timestamp with time zone",
            "reverted_at": "timestamp with time zone?",
            "reverted_by": "uuid?",
            "revert_reason": "text?",
        },
        {
            "asset_id": "assets",
            "user_id": "users",
            "previous_asset_id": "assets",
            "assigned_by": "admins",
            "reverted_by": "admins",
        },
        ("user_id", "asset_id", "assigned_at"),
    ),
    "audit.assignment_history": Promise(
        {
            "id": "uuid",
            "user_id": "uuid?",
            "asset_id": "uuid?",
            "previous_asset_id": "uuid?",
            "action": "text",
            "performed_by": "uuid",
            "performed_at": "timestamp with time zone",
            "reason": "text?",
            "metadata": "jsonb?",
        },
        {
            "user_id": "users",
            "asset_id": "assets",
            "previous_asset_id": "assets",
            "performed_by": "admins",
        },
        ("user_id", "performed_at", "action"),
    ),
}

COLUMNS = """
select column_name as name, data_type || case is_nullable when 'YES' then '?' else '' end as kind
from information_schema.columns where table_schema || '.' || table_name = $1
"""

REFERENCES = """
select a.attname as name, c.confrelid::regclass::text as target
from pg_constraint c
join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
where c.conrelid = $1::regclass and c.contype = 'f' and a.attname <> 'tenant_id'
"""

LEADING = """
select (
  select a.attname
  from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
  where a.attname <> 'tenant_id' order by k.place limit 1
) as name
from pg_index i where i.indrelid = $1::regclass
"""


@pytest.fixture
async def migrated(databases: OpenDatabases) -> Databases:
    """A database with the schemas of the three services."""
    return await databases("converter", "assignment", "audit")


@pytest.mark.parametrize("table", PROMISES)
async def test_a_table_has_what_was_promised(migrated: Databases, table: str) -> None:
    schema, promise = table.partition(".")[0], PROMISES[table]

    columns = {row["name"]: row["kind"] for row in await migrated.as_admin(COLUMNS, table)}
    references = {
        (row["name"], row["target"]) for row in await migrated.as_admin(REFERENCES, table)
    }
    leading = {row["name"] for row in await migrated.as_admin(LEADING, table)}

    assert {name: columns.get(name) for name in promise.columns} == promise.columns
    assert {(name, f"{schema}.{to}") for name, to in promise.references.items()} <= references
    assert set(promise.found_by) <= leading, "every query would read the whole table"


@pytest.mark.parametrize(
    ("table", "column"),
    [("admin_media_assets", "conversion_status"), ("queue_jobs", "status")],
)
async def test_a_status_is_one_of_four(migrated: Databases, table: str, column: str) -> None:
    checks = await migrated.as_admin(
        "select pg_get_constraintdef(oid) as said from pg_constraint"
        " where conrelid = $1::regclass and contype = 'c'",
        f"converter.{table}",
    )

    said = " ".join(row["said"] for row in checks if f"{column} = ANY" in row["said"])

    assert {word for word in STATUSES if f"'{word}'" in said} == STATUSES


async def test_a_job_converts_and_is_retried_three_times(migrated: Databases) -> None:
    defaults = await migrated.as_admin(
        "select column_name as name, column_default as said from information_schema.columns"
        " where table_schema = 'converter' and table_name = 'queue_jobs'"
        " and column_name in ('retry_count', 'max_retries')"
    )

    assert {row["name"]: row["said"] for row in defaults} == {
        "retry_count": "0",
        "max_retries": "3",
    }


SERVICES = ("identity", "converter", "assignment", "audit", "notifier")

FENCES = """
select n.nspname || '.' || c.relname as name,
  exists (
    select from pg_attribute a
    where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
  ) as of_a_tenant,
  c.relrowsecurity and c.relforcerowsecurity as fenced,
  (select count(*) from pg_policy p where p.polrelid = c.oid) as policies,
  exists (
    select from pg_policy p
    where p.polrelid = c.oid and p.polcmd <> 'r' and p.polwithcheck is null
  ) as leaky,
  pg_get_userbyid(c.relowner) = 'marquee_' || n.nspname as owned
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any ($1) and c.relkind in ('r', 'p')
"""

OF_NO_TENANT = {"alembic_version", "inbox", "outbox", "tenants"}
"""The list of them, and what only those read who serve all of them."""


async def test_every_table_with_rows_of_tenants_is_fenced(databases: OpenDatabases) -> None:
    migrated = await databases(*SERVICES)

    tables = await migrated.as_admin(FENCES, list(SERVICES))

    of_tenants = [table for table in tables if table["of_a_tenant"]]
    assert len(of_tenants) > 20
    for table in of_tenants:
        assert table["fenced"], f"{table['name']}: rows of all tenants can be seen"
        assert table["policies"] in (1, 2), table["name"]
        assert not table["leaky"], f"{table['name']}: rows of other tenants can be written"
    assert not [table["name"] for table in tables if table["owned"]], "an owner takes fences down"
    others = {table["name"].partition(".")[2] for table in tables if not table["of_a_tenant"]}
    assert others == OF_NO_TENANT


async def test_no_role_of_a_service_passes_fences(databases: OpenDatabases) -> None:
    migrated = await databases(*SERVICES)

    roles = await migrated.as_admin(
        "select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcanlogin as too_much"
        " from pg_roles where rolname = any ($1)",
        [f"marquee_{name}" for name in SERVICES],
    )

    assert {role["rolname"]: role["too_much"] for role in roles} == {
        f"marquee_{name}": False for name in SERVICES
    }
