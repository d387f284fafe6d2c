"""An asset that is to be deleted: nobody has it, and nobody gets it, however close the race."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from services.assignment import commands, store
from services.assignment.tests.world import World, outcome
from shared.contracts.assignment import AssetWithdrawn
from shared.contracts.converter import (
    AssetDeleted,
    AssetInUse,
    AssetNotFound,
    AssetRestated,
    AssetRestored,
)
from shared.db import DATABASE_AWAY
from shared.runtime.ids import new_id


async def test_a_withdrawn_asset_is_given_to_nobody(world: World) -> None:
    asset, user = await world.asset(), await world.user()

    await world.withdraw(asset)
    await world.withdraw(asset)

    assert await outcome(world.assign(asset, user)) == "asset_not_found"
    [told] = [e for e in await world.events() if isinstance(e, AssetWithdrawn)]
    assert told.asset_id == asset


async def test_what_somebody_has_is_not_withdrawn(world: World) -> None:
    asset, user = await world.asset(), await world.user()
    await world.assigned(asset, user)

    with pytest.raises(AssetInUse):
        await world.withdraw(asset)

    await world.undo(asset)
    await world.withdraw(asset)


async def test_an_asset_that_is_not_there_is_not_withdrawn(world: World) -> None:
    with pytest.raises(AssetNotFound):
        await world.withdraw(new_id())
    with pytest.raises(AssetNotFound):
        await world.at("elsewhere").withdraw(await world.asset())


async def test_a_deletion_heard_of_first_is_not_forgotten(world: World) -> None:
    asset, user = new_id(), await world.user()
    await world.learn(AssetDeleted(asset_id=asset, version=5))
    await world.convert(asset, "completed", version=4)
    assert await outcome(world.assign(asset, user)) == "asset_not_found"


async def test_what_was_deleted_meanwhile_is_not_restored(world: World) -> None:
    before, asset, user = await world.asset(), await world.asset(), await world.user()
    await world.assigned(before, user)
    await world.assigned(asset, user)
    await world.withdraw(before)

    undone = await world.undo(asset)

    assert [taken.refused for taken in undone.taken_back] == ["asset_not_found"]
    assert await world.has(user) is None


async def test_an_assignment_that_has_already_looked_finds_out(world: World) -> None:
    asset, user = await world.asset(), await world.user()
    database = world.databases["assignment"]

    async with database.transaction(world.context) as withdrawing:
        await commands.withdraw(withdrawing, asset)
        assigning = asyncio.create_task(world.assign(asset, user))
        async with database.transaction(world.context) as tx:
            assert not (await store.asset(tx, asset)).deleted, "not visible yet"
        await asyncio.sleep(0.2)
        assert not assigning.done(), "it waits for the lock"
    with pytest.raises(DATABASE_AWAY):
        await assigning

    assert await world.has(user) is None


async def test_of_a_race_only_one_side_wins(world: World) -> None:
    for _ in range(20):
        asset, users = await world.asset(), [await world.user() for _ in range(3)]
        withdrawn, *given = await asyncio.gather(
            world.withdraw(asset),
            *(world.assign(asset, user) for user in users),
            return_exceptions=True,
        )
        has = [await world.has(user) for user in users].count(asset)
        assert isinstance(withdrawn, commands.Promise) == (has == 0)
        assert has == sum(not isinstance(each, BaseException) for each in given)


async def test_a_restored_asset_can_be_given_again(world: World) -> None:
    asset, user = await world.asset(), await world.user()
    await world.withdraw(asset)
    await world.learn(AssetDeleted(asset_id=asset, version=7))
    assert await outcome(world.assign(asset, user)) == "asset_not_found"

    await world.learn(AssetRestored(asset_id=asset, version=8))
    await world.learn(AssetDeleted(asset_id=asset, version=7))  # word of before, once more
    await world.assigned(asset, user)


async def test_word_of_a_restoration_that_is_overtaken_changes_nothing(world: World) -> None:
    asset, user = await world.asset(), await world.user()
    await world.learn(AssetDeleted(asset_id=asset, version=9))
    await world.learn(AssetRestored(asset_id=asset, version=8))
    assert await outcome(world.assign(asset, user)) == "asset_not_found"


async def test_a_promise_names_the_last_restoration_that_was_heard_of(world: World) -> None:
    """Not its last change: word of that may overtake word of a restoration before it."""
    asset = await world.asset()
    await world.learn(AssetDeleted(asset_id=asset, version=20))
    assert await world.withdraw(asset) == (20, False)
    await world.learn(AssetRestored(asset_id=asset, version=21))
    await world.convert(asset, "completed", version=30)

    assert await world.withdraw(asset) == (21, True)
    [told] = [e for e in await world.events() if isinstance(e, AssetWithdrawn)]
    assert told.asset_version == 21


def restated(asset: UUID, *, version: int, restored: int) -> AssetRestated:
    return AssetRestated(
        asset_id=asset,
        title="A film",
        filename="film.mp4",
        status="completed",
        thumbnail_key=None,
        deleted_at=None,
        version=version,
        restored_version=restored,
    )


async def test_what_is_told_again_to_be_restored_is_back(world: World) -> None:
    asset, user = await world.asset(), await world.user()
    await world.learn(AssetDeleted(asset_id=asset, version=7))

    await world.learn(restated(asset, version=9, restored=8))

    await world.assigned(asset, user)
    await world.learn(AssetDeleted(asset_id=asset, version=7))  # word of before, once more
    assert await world.has(user) == asset
    await world.undo(asset)
    assert (await world.withdraw(asset)).asset_version == 8


async def test_what_is_told_again_to_live_stays_withdrawn(world: World) -> None:
    """Its owner has not heard of that yet."""
    asset, user = await world.asset(), await world.user()
    await world.learn(AssetRestored(asset_id=asset, version=8))
    await world.withdraw(asset)

    await world.learn(restated(asset, version=9, restored=8))

    assert await outcome(world.assign(asset, user)) == "asset_not_found"


async def test_a_revert_brings_back_what_was_restored(world: World) -> None:
    before, asset, user = await world.asset(), await world.asset(), await world.user()
    await world.assigned(before, user)
    given = await world.assigned(asset, user)
    await world.withdraw(before)
    await world.learn(AssetRestored(asset_id=before, version=30))
    world.clock.advance(31)
    back = (await world.revert(user, given.assignment.id)).reverted.goes_back_to
    assert back is not None
    assert back.asset_id == before
