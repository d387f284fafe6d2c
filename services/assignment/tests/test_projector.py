"""The state of assets, as others hear of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from uuid import UUID

from services.assignment.projector import Projector
from services.assignment.tests.world import NOON, World
from shared.contracts.assignment import AssetStateChanged


async def states(world: World) -> list[AssetStateChanged]:
    return [event for event in await world.events() if isinstance(event, AssetStateChanged)]


def projector(world: World) -> Projector:
    return Projector(world.databases["assignment"])


async def test_an_assignment_changes_the_state_of_both_assets(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    await projector(world).sweep()
    world.clock.advance(5)
    await world.assign(new, user)

    await projector(world).sweep()

    first, *second = await states(world)
    assert (first.asset_id, first.user_id, first.version) == (old, user, 1)
    assert sorted(second, key=lambda state: state.version, reverse=True) == [
        AssetStateChanged(
            asset_id=old,
            user_id=None,
            assigned_at=None,
            assigned_by=None,
            active_assignment_count=0,
            version=2,
        ),
        AssetStateChanged(
            asset_id=new,
            user_id=user,
            assigned_at=NOON + timedelta(seconds=5),
            assigned_by=world.admin,
            active_assignment_count=1,
            version=1,
        ),
    ]


async def test_undo_gives_the_assets_back_the_state_they_had(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    await projector(world).sweep()
    [before] = await states(world)
    world.clock.advance(5)
    await world.assign(new, user)
    await projector(world).sweep()

    await world.undo(new)
    await projector(world).sweep()

    last = {state.asset_id: state for state in await states(world)}
    assert last[old] == before.model_copy(update={"version": 3})
    assert (last[new].user_id, last[new].active_assignment_count) == (None, 0)


async def test_many_commands_on_one_asset_are_told_once(world: World) -> None:
    asset = await world.asset()
    for _ in range(20):
        world.clock.advance(1)
        await world.assign(asset, await world.user())

    await projector(world).sweep()
    await projector(world).sweep()

    [state] = await states(world)
    assert (state.active_assignment_count, state.version) == (20, 1)
    assert await world.databases.as_admin("select from assignment.dirty_assets") == []


async def test_each_tenant_hears_of_its_own_assets(world: World) -> None:
    elsewhere = world.at("elsewhere")
    for tenant in (world, elsewhere):
        await tenant.assign(await tenant.asset(), await tenant.user())

    await projector(world).sweep()

    assert len(await states(world)) == len(await states(elsewhere)) == 1


async def test_projectors_that_run_at_once_never_end_on_an_old_state(world: World) -> None:
    users = [await world.user() for _ in range(5)]
    assets = [await world.asset() for _ in range(4)]
    pick = Random(3)

    async def administrate() -> None:
        for _ in range(30):
            await world.assign(pick.choice(assets), pick.choice(users))

    async def project(administrators: asyncio.Future[list[None]]) -> None:
        while not administrators.done():
            await projector(world).sweep()

    administrators = asyncio.gather(*(administrate() for _ in range(5)))
    await asyncio.gather(administrators, *(project(administrators) for _ in range(3)))
    await projector(world).sweep()

    told: dict[UUID, dict[int, AssetStateChanged]] = {asset: {} for asset in assets}
    for state in await states(world):
        told[state.asset_id][state.version] = state
    for asset, versions in told.items():
        assert sorted(versions) == list(range(1, len(versions) + 1))
        last, now = versions[len(versions)], await world.state(asset)
        assert (last.user_id, last.active_assignment_count) == (
            now.user_id,
            now.active_assignment_count,
        )


async def test_the_loop_publishes_soon_after_it_is_woken(world: World) -> None:
    running = projector(world)
    loop = asyncio.create_task(running.run())
    try:
        await world.assign(await world.asset(), await world.user())
        running.wake()
        async with asyncio.timeout(5):
            while not await states(world):
                await asyncio.sleep(0.01)
    finally:
        loop.cancel()
