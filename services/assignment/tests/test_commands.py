"""Assigning and undoing, on a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.assignment.domain.assign import Unchanged
from services.assignment.domain.refusals import (
    AssetNotCompleted,
    ChangedSince,
    NothingToUndo,
    UndoWindowExpired,
    UserDisabled,
)
from services.assignment.tests.world import NOON, World
from shared.contracts.assignment import (
    AssetAssigned,
    AssetUnassigned,
    OperationCompleted,
    OperationUndone,
)
from shared.contracts.converter import AssetNotFound
from shared.contracts.identity import UserNotFound
from shared.runtime.ids import new_id


async def test_an_assignment_is_kept_and_told(world: World) -> None:
    user, asset = await world.user(), await world.asset()

    given = await world.assigned(asset, user)

    assert await world.has(user) == asset
    [row] = await world.rows(user)
    assert row["assigned_by"] == world.admin
    assert row["assigned_at"] == row["valid_from"] == NOON
    assert row["undo_expires_at"] == NOON + timedelta(seconds=30)
    assert await world.events() == [
        AssetAssigned(
            assignment_id=given.assignment.id,
            operation_id=given.operation.id,
            asset_id=asset,
            user_id=user,
            previous_asset_id=None,
            undo_expires_at=NOON + timedelta(seconds=30),
        ),
        OperationCompleted(
            operation_id=given.operation.id, kind="assign", user_count=1, asset_id=asset
        ),
    ]


async def test_an_event_names_the_administrator(world: World) -> None:
    await world.assign(await world.asset(), await world.user())

    assert {str(told.context.actor) for told in await world.told()} == {f"user:{world.admin}"}


async def test_a_new_assignment_supersedes_the_old_one(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    world.clock.advance(60)

    given = await world.assigned(new, user)

    assert given.assignment.previous_asset_id == old
    first, second = await world.rows(user)
    assert first["superseded_by"] == second["id"] == given.assignment.id
    assert first["superseded_at"] == second["valid_from"] == NOON + timedelta(seconds=60)
    assert second["superseded_at"] is None


async def test_assigning_what_a_user_has_changes_nothing(world: World) -> None:
    user, asset = await world.user(), await world.asset()
    first = await world.assigned(asset, user)
    world.clock.advance(10)

    assert await world.assign(asset, user) == Unchanged(first.assignment)

    assert len(await world.rows(user)) == 1
    assert len(await world.events()) == 2


async def test_one_asset_can_have_many_users(world: World) -> None:
    ada, bob, asset = await world.user(), await world.user(), await world.asset()
    await world.assign(asset, ada)
    world.clock.advance(1)
    await world.assign(asset, bob)

    state = await world.state(asset)

    assert (state.user_id, state.active_assignment_count) == (bob, 2)
    assert state.assigned_at == NOON + timedelta(seconds=1)
    assert state.assigned_by == world.admin


async def test_nothing_is_written_when_an_assignment_is_refused(world: World) -> None:
    user, asset = await world.user(), await world.asset()
    failed, nobody = await world.asset("failed"), await world.user(disabled=True)

    for refusal, asset_id, user_id in [
        (AssetNotFound, new_id(), user),
        (UserNotFound, asset, new_id()),
        (AssetNotCompleted, failed, user),
        (UserDisabled, asset, nobody),
    ]:
        with pytest.raises(refusal):
            await world.assign(asset_id, user_id)

    assert await world.events() == []
    assert await world.databases.as_admin("select from assignment.operations") == []


async def test_undo_leaves_nothing_after_a_first_assignment(world: World) -> None:
    user, asset = await world.user(), await world.asset()
    given = await world.assigned(asset, user)

    await world.undo(asset)

    assert await world.has(user) is None
    assert (await world.state(asset)).user_id is None
    [row] = await world.rows(user)
    assert (row["reverted_at"], row["reverted_by"]) == (NOON, world.admin)
    unassigned, undone = (await world.events())[2:]
    assert isinstance(unassigned, AssetUnassigned)
    assert unassigned.assignment_id == given.assignment.id
    assert unassigned.restored_asset_id is None
    assert undone == OperationUndone(
        operation_id=given.operation.id,
        kind="assign",
        user_count=1,
        asset_id=asset,
        by_operation_id=unassigned.operation_id,
    )


async def test_undo_brings_back_what_the_user_had_as_it_was(world: World) -> None:
    user, first, old, new = await world.user(), *[await world.asset() for _ in range(3)]
    for asset in (first, old):
        await world.assign(asset, user)
        world.clock.advance(60)
    before = await world.state(old)
    await world.assign(new, user)
    world.clock.advance(20)

    await world.undo(new)

    assert await world.has(user) == old
    assert await world.state(old) == before
    _, brought_back, _, restored = await world.rows(user)
    assert restored["restored_from"] == brought_back["id"]
    assert restored["previous_asset_id"] == first
    assert restored["assigned_at"] == brought_back["assigned_at"]
    assert restored["valid_from"] == world.clock.moment
    assert restored["undo_expires_at"] is None
    unassigned, assigned, _ = (await world.events())[-3:]
    assert isinstance(unassigned, AssetUnassigned)
    assert isinstance(assigned, AssetAssigned)
    assert unassigned.restored_asset_id == assigned.asset_id == old
    assert unassigned.operation_id == assigned.operation_id
    assert assigned.restored_from == brought_back["id"]


async def test_undo_keeps_who_assigned_and_writes_who_undid(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    other = World(world.databases, world.clock, admin=new_id())
    await other.assign(old, user)
    await other.assign(new, user)

    await world.undo(new)

    _, undone, restored = sorted(
        await world.rows(user), key=lambda row: (row["valid_from"], row["id"])
    )
    assert restored["assigned_by"] == other.admin
    assert undone["reverted_by"] == world.admin


@pytest.mark.parametrize("seconds", [29.999, 30.0])
async def test_undo_works_until_the_window_ends(world: World, seconds: float) -> None:
    user, asset = await world.user(), await world.asset()
    await world.assign(asset, user)
    world.clock.advance(seconds)

    await world.undo(asset)

    assert await world.has(user) is None


@pytest.mark.parametrize("seconds", [30.001, 3600.0])
async def test_undo_is_refused_once_the_window_is_over(world: World, seconds: float) -> None:
    user, asset = await world.user(), await world.asset()
    await world.assign(asset, user)
    world.clock.advance(seconds)

    with pytest.raises(UndoWindowExpired):
        await world.undo(asset)

    assert await world.has(user) == asset


async def test_a_second_undo_finds_nothing(world: World) -> None:
    user, asset = await world.user(), await world.asset()
    given = await world.assigned(asset, user)
    await world.undo(asset)

    with pytest.raises(NothingToUndo):
        await world.undo(asset)
    with pytest.raises(NothingToUndo):
        await world.undo(asset, operation_id=given.operation.id)


async def test_two_undos_in_a_row_go_back_two_steps(world: World) -> None:
    user, first, old, new = await world.user(), *[await world.asset() for _ in range(3)]
    await world.assign(first, user)
    world.clock.advance(60)
    before = [await world.state(asset) for asset in (first, old, new)]
    for asset in (old, new):
        await world.assign(asset, user)
        world.clock.advance(1)

    await world.undo(new)
    undone = await world.undo(old)

    assert await world.has(user) == first
    assert [await world.state(asset) for asset in (first, old, new)] == before
    [taken] = undone.taken_back
    assert taken.assignment.restored_from == taken.original.id
    with pytest.raises(NothingToUndo):
        await world.undo(old)


async def test_what_an_undo_brought_back_has_no_window_of_its_own(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    world.clock.advance(1)
    await world.assign(new, user)
    await world.undo(new)

    restored = (await world.rows(user))[-1]
    with pytest.raises(NothingToUndo):
        await world.undo(old, assignment_id=restored["id"])


async def test_undo_leaves_alone_who_has_something_newer(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    await world.assign(new, user)

    with pytest.raises(ChangedSince):
        await world.undo(old)

    assert await world.has(user) == new


async def test_undo_takes_the_newest_operation_and_offers_the_others(world: World) -> None:
    asset, users = await world.asset(), [await world.user() for _ in range(3)]
    given = []
    for user in users:
        given.append(await world.assigned(asset, user))
        world.clock.advance(14)

    undone = await world.undo(asset)

    assert undone.operation.id == given[2].operation.id
    assert [other.id for other in undone.others] == [given[1].operation.id]
    assert [await world.has(user) for user in users] == [asset, asset, None]


async def test_an_older_operation_can_be_named(world: World) -> None:
    asset, ada, bob = await world.asset(), await world.user(), await world.user()
    by_operation, by_assignment = await world.assigned(asset, ada), await world.assigned(asset, bob)
    await world.assign(asset, await world.user())

    await world.undo(asset, operation_id=by_operation.operation.id)
    await world.undo(asset, assignment_id=by_assignment.assignment.id)

    assert await world.has(ada) is None
    assert await world.has(bob) is None


async def test_an_operation_on_another_asset_is_not_found(world: World) -> None:
    asset, other, user = await world.asset(), await world.asset(), await world.user()
    given = await world.assigned(asset, user)

    with pytest.raises(NothingToUndo):
        await world.undo(other, operation_id=given.operation.id)
    with pytest.raises(NothingToUndo):
        await world.undo(other, assignment_id=given.assignment.id)
    with pytest.raises(AssetNotFound):
        await world.undo(new_id())


async def test_undo_restores_nothing_that_could_not_be_assigned_today(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    await world.assign(new, user)
    await world.convert(old, "failed", version=3)

    [taken] = (await world.undo(new)).taken_back

    assert taken.refused == "asset_not_completed"
    assert await world.has(user) is None
    unassigned = (await world.events())[-2]
    assert isinstance(unassigned, AssetUnassigned)
    assert unassigned.restored_asset_id is None
    assert unassigned.restore_refused == "asset_not_completed"


async def test_tenants_do_not_see_each_other(world: World) -> None:
    user, asset = await world.user(), await world.asset()
    await world.assign(asset, user)
    stranger = world.at("elsewhere")

    assert await stranger.has(user) is None
    assert (await stranger.state(asset)).active_assignment_count == 0
    with pytest.raises(AssetNotFound):
        await stranger.assign(asset, await stranger.user())
    with pytest.raises(UserNotFound):
        await stranger.assign(await stranger.asset(), user)
    with pytest.raises(AssetNotFound):
        await stranger.undo(asset)
    assert await world.has(user) == asset
