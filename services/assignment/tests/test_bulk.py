"""Bulk assignments: all or nothing, told in chunks, and accounted for whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from services.assignment import commands
from services.assignment.domain.refusals import (
    AssetNotCompleted,
    BulkAbandoned,
    BulkRefused,
    NotFailed,
)
from services.assignment.sweeper import Sweeper
from services.assignment.tests.test_concurrency import assert_unbroken
from services.assignment.tests.world import NOON, World, outcome
from shared.contracts.assignment import (
    AssetBulkAssigned,
    AssetBulkTakenBack,
    OperationCompleted,
    OperationFailed,
    OperationUndone,
)
from shared.contracts.converter import AssetNotFound
from shared.db.database import Clock
from shared.runtime.ids import new_id


async def operation_rows(world: World) -> list[tuple[str, str, int]]:
    """Kind, status and number of users of every operation."""
    rows = await world.databases.as_admin(
        "select kind, status, user_count from assignment.operations order by performed_at, id"
    )
    return [tuple(row) for row in rows]


async def test_all_get_the_asset_at_once(world: World) -> None:
    users, old, new = await world.many_users(3), await world.asset(), await world.asset()
    await world.assign(old, users[0])
    world.clock.advance(60)

    change = await world.bulk(new, users)

    assert [await world.has(user) for user in users] == [new] * 3
    assert change.operation.user_count == 3
    assert change.operation.undo_expires_at == NOON + timedelta(seconds=90)
    first, second = await world.rows(users[0])
    assert first["superseded_by"] == second["id"]
    assert second["previous_asset_id"] == old
    assert await operation_rows(world) == [
        ("assign", "completed", 1),
        ("bulk_assign", "completed", 3),
    ]


async def test_duplicates_count_once_and_who_has_it_is_unchanged(world: World) -> None:
    [anna, bob], film = await world.many_users(2), await world.asset()
    held = await world.assigned(film, anna)

    change = await world.bulk(film, [bob, anna, bob, bob])

    assert (change.operation.user_count, change.operation.unchanged_count) == (1, 1)
    [row] = await world.rows(anna)
    assert row["id"] == held.assignment.id
    assert len(await world.rows(bob)) == 1


async def test_a_bulk_that_changes_nobody_cannot_be_undone(world: World) -> None:
    user, film = await world.user(), await world.asset()
    await world.assign(film, user)

    change = await world.bulk(film, [user])

    assert (change.operation.user_count, change.operation.undo_expires_at) == (0, None)
    assert await outcome(world.undo_operation(change.operation.id)) == "nothing_to_undo"


async def test_one_invalid_user_stops_all_and_every_invalid_user_is_named(world: World) -> None:
    good, film = await world.user(), await world.asset()
    stranger, disabled = UUID(int=77), await world.user(disabled=True)

    with pytest.raises(BulkRefused) as refused:
        await world.bulk(film, [good, stranger, disabled])

    assert refused.value.detail.startswith(f"There is no user {stranger}.")
    extra = refused.value.extra
    assert (extra["successful_count"], extra["failed_count"], extra["undo_expires_at"]) == (
        0,
        2,
        None,
    )
    failures = [(each["user_id"], each["error"]) for each in extra["failures"]]
    assert failures == [(stranger, "user_not_found"), (disabled, "user_disabled")]
    assert await world.has(good) is None
    assert await operation_rows(world) == [("bulk_assign", "failed", 0)]
    assert await world.events() == [
        OperationFailed(
            operation_id=extra["operation_id"],
            kind="bulk_assign",
            asset_id=film,
            user_count=3,
            failed_count=2,
            error="user_not_found",
        )
    ]


async def test_an_unfinished_asset_is_an_attempt_and_an_unknown_one_is_none(world: World) -> None:
    user = await world.user()

    with pytest.raises(AssetNotCompleted):
        await world.bulk(await world.asset("processing"), [user])
    with pytest.raises(AssetNotFound):
        await world.bulk(new_id(), [user])

    assert await operation_rows(world) == [("bulk_assign", "failed", 0)]


async def test_users_are_told_of_in_chunks_and_the_operation_once(world: World) -> None:
    users, film = await world.many_users(1001), await world.asset()

    change = await world.bulk(film, users)

    *chunks, done = await world.events()
    assert all(isinstance(chunk, AssetBulkAssigned) for chunk in chunks)
    assert [len(chunk.facts()) for chunk in chunks] == [500, 500, 1]  # type: ignore[attr-defined]
    told = {fact.user_id for chunk in chunks for fact in chunk.facts()}  # type: ignore[attr-defined]
    assert told == set(users)
    assert done == OperationCompleted(
        operation_id=change.operation.id, kind="bulk_assign", user_count=1001, asset_id=film
    )


async def test_undo_takes_a_whole_bulk_back_but_from_who_got_something_else(world: World) -> None:
    users, old = await world.many_users(3), await world.asset()
    film, other = await world.asset(), await world.asset()
    await world.assign(old, users[0])
    await world.bulk(film, users)
    world.clock.advance(1)
    await world.assign(other, users[2])

    undone = await world.undo(film)

    assert [await world.has(user) for user in users] == [old, None, other]
    assert [skipped.user_id for skipped in undone.skipped] == [users[2]]
    chunk, told = (await world.events())[-2:]
    assert isinstance(chunk, AssetBulkTakenBack)
    assert {fact.user_id for fact in chunk.unassigned} == set(users[:2])
    assert [fact.asset_id for fact in chunk.assigned] == [old]
    assert isinstance(told, OperationUndone)
    assert (told.kind, told.user_count, told.bulk) == ("bulk_assign", 2, True)


async def test_a_thousand_users_take_well_under_ten_seconds(world: World) -> None:
    users, old, new = await world.many_users(1000), await world.asset(), await world.asset()
    began = time.monotonic()

    for film in (old, new):
        await world.bulk(film, users)
        world.clock.advance(1)
    for film in (new, old):
        await world.undo(film)

    assert time.monotonic() - began < 10
    assert (await world.state(old)).active_assignment_count == 0


async def test_a_failed_bulk_can_be_tried_again(world: World) -> None:
    good, film, late = await world.user(), await world.asset(), UUID(int=78)
    with pytest.raises(BulkRefused) as refused:
        await world.bulk(film, [good, late])
    failed = refused.value.extra["operation_id"]
    await world.user(ident=late)

    change = await world.bulk_again(failed)

    assert change.operation.retries == failed
    assert [await world.has(user) for user in (good, late)] == [film] * 2
    assert (await world.events())[-1].retries == failed  # type: ignore[attr-defined]
    with pytest.raises(NotFailed):
        await world.bulk_again(change.operation.id)


async def attempted(world: World) -> commands.Attempt:
    """A bulk assignment whose process dies before it is carried out."""
    user, film = await world.user(), await world.asset()
    async with world.databases["assignment"].transaction(world.context) as tx:
        return await commands.intend_bulk(tx, asset_id=film, user_ids=[user])


async def test_an_attempt_left_behind_is_settled_once_as_its_administrators(world: World) -> None:
    attempt = await attempted(world)
    sweeper = Sweeper(world.databases["assignment"])

    await sweeper.sweep()
    assert await operation_rows(world) == [("bulk_assign", "attempted", 0)]
    world.clock.advance(61)
    await asyncio.gather(*(sweeper.sweep() for _ in range(3)))

    assert await operation_rows(world) == [("bulk_assign", "failed", 0)]
    [told] = await world.told()
    assert isinstance(told.event, OperationFailed)
    assert (told.event.error, told.event.user_count) == ("interrupted", 1)
    assert told.context.actor == world.context.actor
    with pytest.raises(BulkAbandoned):
        async with world.databases["assignment"].transaction(world.context) as tx:
            await commands.bulk_assign(tx, attempt)


async def test_an_attempt_under_way_is_left_alone(world: World) -> None:
    attempt = await attempted(world)
    world.clock.advance(61)

    async with world.databases["assignment"].transaction(world.context) as tx:
        await commands.bulk_assign(tx, attempt)
        await Sweeper(world.databases["assignment"]).sweep()

    assert await operation_rows(world) == [("bulk_assign", "completed", 1)]


async def test_overlapping_bulks_are_all_or_nothing_and_never_deadlock(world: World) -> None:
    world.databases["assignment"].clock = Clock()
    users, films = await world.many_users(200), [await world.asset() for _ in range(4)]
    pick = Random(5)
    bulks = [(pick.choice(films), pick.sample(users, 120)) for _ in range(20)]

    changes = await asyncio.gather(
        *(world.bulk(film, some) for film, some in bulks),
        *(world.assign(pick.choice(films), pick.choice(users)) for _ in range(50)),
    )

    assert len(changes) == 70
    for user in users[:20]:
        await assert_unbroken(world, user)
    rows = await world.databases.as_admin(
        "select o.user_count, o.unchanged_count, count(a.id) as made from assignment.operations o"
        " left join assignment.asset_assignments a on a.operation_id = o.id"
        " where o.kind = 'bulk_assign' group by o.id, o.tenant_id"
    )
    assert all(row["user_count"] == row["made"] for row in rows)
    assert all(row["user_count"] + row["unchanged_count"] == 120 for row in rows)


async def test_of_undo_and_revert_at_once_one_wins(world: World) -> None:
    users, film = await world.many_users(5), await world.asset()
    change = await world.bulk(film, users)
    operation_id = change.operation.id

    for seconds in (30.0, 30.001):
        world.clock.moment = NOON + timedelta(seconds=seconds)
        outcomes = await asyncio.gather(
            *(outcome(world.undo_operation(operation_id)) for _ in range(5)),
            *(outcome(world.revert_operation(operation_id)) for _ in range(5)),
        )
        assert Counter(outcomes)["done"] == (1 if seconds <= 30 else 0)

    assert [await world.has(user) for user in users] == [None] * 5
    assert len([row for row in await operation_rows(world) if row[0] in ("undo", "revert")]) == 1
