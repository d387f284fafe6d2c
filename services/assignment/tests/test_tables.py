"""What the tables refuse, whoever asks."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.assignment.tables import SCHEMA, metadata
from services.assignment.tests.world import World
from shared.contracts.context import Context
from shared.runtime.ids import new_id

FROZEN = [
    "id = gen_random_uuid()",
    "tenant_id = 'elsewhere'",
    "asset_id = gen_random_uuid()",
    "user_id = gen_random_uuid()",
    "previous_asset_id = asset_id",
    "assigned_by = gen_random_uuid()",
    "assigned_at = assigned_at - interval '1 hour'",
    "valid_from = valid_from - interval '1 hour'",
    "undo_expires_at = undo_expires_at + interval '1 hour'",
    "restored_from = id",
]

END_TWICE = [
    "superseded_at = superseded_at + interval '1 second'",
    "superseded_at = null, superseded_by = null",
    "superseded_by = id",
]

REVERT_TWICE = [
    "reverted_at = reverted_at + interval '1 second'",
    "reverted_at = null, reverted_by = null",
    "revert_reason = 'on second thoughts'",
]


async def refused(world: World, sql: str) -> None:
    with pytest.raises(asyncpg.RestrictViolationError):
        await world.databases.as_admin(sql)


@pytest.mark.parametrize("change", FROZEN)
async def test_an_assignment_never_changes_its_story(world: World, change: str) -> None:
    await world.assign(await world.asset(), await world.user())

    await refused(world, f"update assignment.asset_assignments set {change}")


@pytest.mark.parametrize("change", END_TWICE)
async def test_an_assignment_is_superseded_once(world: World, change: str) -> None:
    user = await world.user()
    first = await world.assigned(await world.asset(), user)
    await world.assign(await world.asset(), user)

    await refused(
        world,
        f"update assignment.asset_assignments set {change} where id = '{first.assignment.id}'",
    )


@pytest.mark.parametrize("change", REVERT_TWICE)
async def test_an_assignment_is_reverted_once(world: World, change: str) -> None:
    asset = await world.asset()
    await world.assign(asset, await world.user())
    await world.undo(asset)

    await refused(world, f"update assignment.asset_assignments set {change}")


async def test_an_assignment_that_was_superseded_can_still_be_reverted(world: World) -> None:
    user = await world.user()
    first = await world.assigned(await world.asset(), user)
    await world.assign(await world.asset(), user)

    await world.databases.as_admin(
        "update assignment.asset_assignments set reverted_at = now(), reverted_by = $2,"
        " revert_reason = 'wrong film' where id = $1",
        first.assignment.id,
        world.admin,
    )


@pytest.mark.parametrize(
    "sql",
    [
        "delete from assignment.asset_assignments",
        "truncate assignment.asset_assignments",
        "truncate assignment.operations cascade",
    ],
)
async def test_an_assignment_is_never_deleted(world: World, sql: str) -> None:
    await world.assign(await world.asset(), await world.user())

    await refused(world, sql)


@pytest.mark.parametrize("table", ["asset_assignments", "operations"])
async def test_the_service_itself_may_not_delete(world: World, table: str) -> None:
    async with world.databases["assignment"].transaction(world.context) as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.connection.execute(f"delete from assignment.{table}")
        await tx.connection.execute("rollback; begin")


async def test_a_user_has_at_most_one_active_assignment(world: World) -> None:
    user = await world.user()
    given = await world.assigned(await world.asset(), user)

    with pytest.raises(asyncpg.UniqueViolationError):
        await world.databases.as_admin(
            "insert into assignment.asset_assignments (id, tenant_id, operation_id, asset_id,"
            " user_id, assigned_by, assigned_at, valid_from)"
            " select $1, tenant_id, operation_id, asset_id, user_id, assigned_by, now(), now()"
            " from assignment.asset_assignments where id = $2",
            new_id(),
            given.assignment.id,
        )


async def test_a_reference_never_crosses_tenants(world: World) -> None:
    given = await world.assigned(await world.asset(), await world.user())
    elsewhere = world.at("elsewhere")

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await world.databases.as_admin(
            "insert into assignment.operations (tenant_id, id, kind, asset_id, performed_by,"
            " performed_at, user_count) values ($1, $2, 'assign', $3, $4, now(), 0)",
            elsewhere.tenant,
            new_id(),
            given.assignment.asset_id,
            world.admin,
        )


@pytest.mark.parametrize(
    "table",
    [
        *("users", "admins", "assets", "operations", "asset_assignments", "active_assignments"),
        *("asset_states", "dirty_assets"),
    ],
)
async def test_a_tenant_sees_and_writes_only_its_own_rows(world: World, table: str) -> None:
    await world.assign(await world.asset(), await world.user())

    async with world.databases["assignment"].transaction(Context("elsewhere")) as tx:
        assert await tx.connection.fetch(f"select from assignment.{table}") == []
    async with world.databases["assignment"].system_transaction() as tx:
        seen = await tx.connection.fetch(f"select from assignment.{table}")
        assert bool(seen) == (table == "dirty_assets")


async def test_the_tables_are_what_the_migrations_make(world: World) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(world.databases.admin_dsn),
        poolclass=NullPool,
    )

    def differences(connection: Connection) -> list[object]:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
            "include_object": lambda made, *_: _name_of_table(made) != "alembic_version",
        }
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


def _name_of_table(made: Any) -> str:
    name: str = getattr(made, "table", made).name
    return name
