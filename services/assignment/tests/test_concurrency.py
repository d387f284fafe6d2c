"""Many administrators at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable
from itertools import pairwise
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from services.assignment.domain.assign import Assigned
from services.assignment.tests.world import World, outcome
from shared.db.database import Clock

T = TypeVar("T")


async def crowd(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All of it, as much at once as there are connections: whoever waits for one is refused."""
    free = asyncio.Semaphore(16)

    async def one(each: Coroutine[Any, Any, T]) -> T:
        async with free:
            return await each

    return await asyncio.gather(*map(one, work))


async def assert_unbroken(world: World, user_id: UUID) -> None:
    """Each row begins where the one before it ended, and only the last is active."""
    rows = {row["id"]: row for row in await world.rows(user_id)}
    heirs = {row["superseded_by"]: row for row in rows.values() if row["superseded_by"]}
    for row in rows.values():
        if row["restored_from"]:
            original = rows[row["restored_from"]]
            assert row["previous_asset_id"] == original["previous_asset_id"]
        else:
            superseded = heirs.get(row["id"])
            assert row["previous_asset_id"] == (superseded["asset_id"] if superseded else None)
            assert superseded is None or superseded["superseded_at"] == row["valid_from"]
    ends = sorted(
        (row["valid_from"], row["superseded_at"] or row["reverted_at"]) for row in rows.values()
    )
    for (_, end), (begin, _) in pairwise(ends):
        assert end is not None
        assert end <= begin


async def test_assignments_of_one_user_at_once_form_one_chain(world: World) -> None:
    world.databases["assignment"].clock = Clock()
    users = [await world.user() for _ in range(3)]
    assets = [await world.asset() for _ in range(4)]
    pick = Random(7)
    pairs = [(pick.choice(assets), pick.choice(users)) for _ in range(1000)]

    given = await crowd(world.assign(*pair) for pair in pairs)

    rows = [row for user in users for row in await world.rows(user)]
    assert len(rows) == sum(isinstance(each, Assigned) for each in given)
    for user in users:
        await assert_unbroken(world, user)
        active = [row for row in await world.rows(user) if row["superseded_at"] is None]
        assert [row["asset_id"] for row in active] == [await world.has(user)]
    assert sum([(await world.state(asset)).active_assignment_count for asset in assets]) == 3


async def test_undos_racing_assignments_keep_the_chain(world: World) -> None:
    world.databases["assignment"].clock = Clock()
    users = [await world.user() for _ in range(3)]
    assets = [await world.asset() for _ in range(3)]
    pick = Random(11)

    outcomes = await crowd(
        outcome(
            world.undo(pick.choice(assets))
            if pick.random() < 0.4
            else world.assign(pick.choice(assets), pick.choice(users))
        )
        for _ in range(400)
    )

    assert set(outcomes) <= {"done", "nothing_to_undo", "changed_since"}
    for user in users:
        await assert_unbroken(world, user)
    undone = await world.databases.as_admin(
        "select undoes from assignment.operations where kind = 'undo'"
    )
    assert max(Counter(row["undoes"] for row in undone).values()) == 1


async def test_of_many_undos_of_one_operation_one_wins(world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    world.clock.advance(40)
    given = await world.assigned(new, user)

    outcomes = await asyncio.gather(
        *(outcome(world.undo(new, operation_id=given.operation.id)) for _ in range(20))
    )

    assert Counter(outcomes) == {"done": 1, "nothing_to_undo": 19}
    assert await world.has(user) == old
    assert len(await world.rows(user)) == 3


async def test_of_an_undo_and_an_assignment_at_once_either_comes_first(world: World) -> None:
    for _ in range(20):
        user, old, new, newer = await world.user(), *[await world.asset() for _ in range(3)]
        await world.assign(old, user)
        world.clock.advance(1)
        await world.assign(new, user)

        undone, _ = await asyncio.gather(outcome(world.undo(new)), world.assign(newer, user))

        last = (await world.rows(user))[-1]
        assert await world.has(user) == newer
        assert undone in ("done", "changed_since")
        assert {row["previous_asset_id"] for row in await world.rows(user)} == (
            {None, old} if undone == "done" else {None, old, new}
        )
        assert last["superseded_at"] is None
