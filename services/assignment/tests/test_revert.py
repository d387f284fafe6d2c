"""Reverting what can no longer be undone."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID

import pytest

from services.assignment.domain.refusals import (
    AlreadyReverted,
    AssignmentNotFound,
    UndoWindowOpen,
)
from services.assignment.tests.world import World, outcome
from shared.contracts.assignment import (
    AssetAssigned,
    AssetBulkTakenBack,
    AssetReverted,
    AssetUnassigned,
    OperationCompleted,
)
from shared.contracts.identity import UserNotFound
from shared.runtime.ids import new_id


async def given(world: World, user: UUID, *films: UUID) -> list[UUID]:
    """Give a user films, a minute apart; return the assignments."""
    made = []
    for film in films:
        made.append((await world.assigned(film, user)).assignment.id)
        world.clock.advance(60)
    return made


async def test_a_revert_goes_back_by_a_new_assignment(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    first, second = await given(world, user, old, new)

    reverted = await world.revert(user, second)

    assert await world.has(user) == old
    _, target, row = await world.rows(user)
    assert target["reverted_at"] == target["superseded_at"] == row["valid_from"]
    assert (target["reverted_by"], target["revert_reason"]) == (world.admin, "a mistake")
    assert (target["superseded_by"], row["restored_from"]) == (row["id"], first)
    assert (row["assigned_by"], row["assigned_at"]) == (world.admin, world.clock.moment)
    assert (row["previous_asset_id"], row["undo_expires_at"]) == (new, None)
    told, assigned, done = (await world.events())[-3:]
    assert told == AssetReverted(
        assignment_id=second,
        operation_id=row["operation_id"],
        asset_id=new,
        user_id=user,
        previous_asset_id=old,
        restored_asset_id=old,
        reason="a mistake",
    )
    assert isinstance(assigned, AssetAssigned)
    assert (assigned.assignment_id, assigned.asset_id) == (row["id"], old)
    assert isinstance(done, OperationCompleted)
    assert (done.operation_id, done.kind) == (reverted.operation_id, "revert")


async def test_reverting_an_old_assignment_touches_nothing_between(world: World) -> None:
    user, *films = await world.user(), *[await world.asset() for _ in range(4)]
    made = await given(world, user, *films)
    before = {row["id"]: row for row in await world.rows(user)}

    await world.revert(user, made[1])

    assert await world.has(user) == films[0]
    after = {row["id"]: row for row in await world.rows(user)}
    assert after[made[0]] == before[made[0]]
    assert after[made[2]] == before[made[2]]
    assert after[made[1]]["reverted_at"] == world.clock.moment
    assert after[made[3]]["superseded_at"] == world.clock.moment
    assert after[made[3]]["reverted_at"] is None


async def test_a_revert_of_the_first_assignment_leaves_nothing(world: World) -> None:
    user, film, newer = await world.user(), await world.asset(), await world.asset()
    first, last = await given(world, user, film, newer)

    reverted = await world.revert(user, first)

    assert reverted.assignment is None
    assert await world.has(user) is None
    row = (await world.rows(user))[-1]
    assert (row["id"], row["superseded_at"]) == (last, world.clock.moment)
    assert (row["superseded_by"], row["reverted_at"]) == (None, None)
    _, ended, _ = (await world.events())[-3:]
    assert isinstance(ended, AssetUnassigned)
    assert (ended.assignment_id, ended.cause) == (last, "revert")
    await world.revert(user, last)
    assert await world.has(user) == film


async def test_what_cannot_be_given_back_is_said(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    _, second = await given(world, user, old, new)
    await world.convert(old, "failed", version=3)

    reverted = await world.revert(user, second)

    assert (reverted.reverted.refused, reverted.assignment) == ("asset_not_completed", None)
    assert await world.has(user) is None


async def test_who_has_it_already_keeps_it(world: World) -> None:
    user, film, between = await world.user(), await world.asset(), await world.asset()
    _, target, third = await given(world, user, film, between, film)

    reverted = await world.revert(user, target)

    assert reverted.assignment is not None
    assert reverted.assignment.id == third
    assert len(await world.rows(user)) == 3
    assert isinstance((await world.events())[-2], AssetReverted)


async def test_a_revert_waits_for_the_undo_window_to_close(world: World) -> None:
    user, film = await world.user(), await world.asset()
    made = (await world.assigned(film, user)).assignment
    world.clock.advance(29.5)

    with pytest.raises(UndoWindowOpen) as refused:
        await world.revert(user, made.id)

    assert refused.value.extra["remaining_seconds"] == 0.5
    assert refused.value.extra["undo"] == f"/api/admin/assets/{film}/undo-assign"
    world.clock.advance(0.501)
    await world.revert(user, made.id)


async def test_what_an_undo_brought_back_is_still_within_its_first_window(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    first = await world.assigned(old, user)
    world.clock.advance(1)
    await world.assign(new, user)
    await world.undo(new)
    brought_back = (await world.rows(user))[-1]["id"]

    assert await outcome(world.revert(user, brought_back)) == "undo_window_open"
    world.clock.advance(30)
    await world.revert(user, brought_back)

    assert await world.has(user) is None
    assert await outcome(world.revert(user, first.assignment.id)) == "already_reverted"


async def test_a_second_revert_is_refused_and_an_undone_one_too(world: World) -> None:
    user, film, other = await world.user(), await world.asset(), await world.asset()
    [made] = await given(world, user, film)
    undone = await world.assigned(other, user)
    await world.undo(other)

    await world.revert(user, made)

    for ident in (made, undone.assignment.id):
        with pytest.raises(AlreadyReverted):
            await world.revert(user, ident)


async def test_only_the_users_own_assignments_can_be_reverted(world: World) -> None:
    anna, bob, film = await world.user(), await world.user(), await world.asset()
    [made] = await given(world, anna, film)

    for ident in (made, new_id()):
        with pytest.raises(AssignmentNotFound):
            await world.revert(bob, ident)
    with pytest.raises(UserNotFound):
        await world.revert(new_id(), made)


async def test_of_many_reverts_at_once_one_wins(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    _, made = await given(world, user, old, new)

    outcomes = await asyncio.gather(*(outcome(world.revert(user, made)) for _ in range(20)))

    assert Counter(outcomes) == {"done": 1, "already_reverted": 19}
    assert len(await world.rows(user)) == 3


async def test_a_whole_operation_is_reverted_for_who_still_has_it(world: World) -> None:
    users, old = await world.many_users(3), await world.asset()
    film, other = await world.asset(), await world.asset()
    await world.assign(old, users[0])
    change = await world.bulk(film, users)
    await world.assign(other, users[2])
    world.clock.advance(60)

    undone = await world.revert_operation(change.operation.id)

    assert [await world.has(user) for user in users] == [old, None, other]
    assert [skipped.user_id for skipped in undone.skipped] == [users[2]]
    chunk = (await world.events())[-2]
    assert isinstance(chunk, AssetBulkTakenBack)
    assert {fact.user_id for fact in chunk.reverted} == set(users[:2])
    assert [fact.user_id for fact in chunk.assigned] == [users[0]]
    assert [fact.user_id for fact in chunk.unassigned] == [users[1]]
    assert await outcome(world.revert_operation(change.operation.id)) == "already_reverted"


async def test_a_revert_can_itself_be_reverted(world: World) -> None:
    users, film = await world.many_users(2), await world.asset()
    old = await world.asset()
    await world.bulk(old, users)
    world.clock.advance(1)
    change = await world.bulk(film, users)
    world.clock.advance(60)
    await world.revert_operation(change.operation.id)

    await world.revert_operation(await world.newest_operation())

    assert [await world.has(user) for user in users] == [film] * 2
