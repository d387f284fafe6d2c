"""Many commands want the same rows."""

from __future__ import annotations

import asyncio
from uuid import UUID

from faults import ledger
from faults.fault import Fault, Scene
from faults.history import Call

BULKS = 20

_WHOLE = 60.0
"""Seconds in which all of them are through, one after the other."""


async def overlapping_bulks(scene: Scene) -> None:
    """Twenty bulk assignments at once, of the same people in different orders.

    Survived by: locks on users that are always taken in one order, and one transaction for all
    that a bulk does; the clock is read once the locks are held.
    """
    people = await scene.load.hire(scene.much(200, 1000), scene.random)
    caller = scene.load.caller("storm", scene.random)

    async def bulk(films: list[str]) -> Call:
        some = scene.random.sample(people, len(people) * 3 // 4)
        about = {"asset_id": scene.random.choice(films), "user_ids": some}
        return await caller.call("bulk", "/api/admin/assets/bulk-assign", about, about=about)

    deadlocks = await _deadlocks(scene)
    async with asyncio.timeout(_WHOLE):  # who meets deadlocks again and again never ends
        calls = await asyncio.gather(*(bulk(scene.crew.films) for _ in range(BULKS)))
    for call in calls:
        told = call.answer.get("successful_count", 0) + call.answer.get("unchanged_count", 0)
        scene.expect(told == len(call.about["user_ids"]), f"I2: {told} users of a bulk were told")
    met = await _deadlocks(scene) - deadlocks
    scene.expect(met == 0, f"F12: {met} deadlocks")
    scene.notes += await _differences(scene, calls)


async def _deadlocks(scene: Scene) -> int:
    """How many PostgreSQL has met so far; it tells a second late."""
    await asyncio.sleep(2)
    async with ledger.opened(scene.site) as books:
        sql = "select deadlocks from pg_stat_database where datname = current_database()"
        return int(await books.one(sql))


async def _differences(scene: Scene, calls: list[Call]) -> list[str]:
    """Who has what must follow from the bulks, one after the other in the order of their times."""
    bulks = {UUID(call.answer["operation_id"]): call.about for call in calls}
    async with ledger.opened(scene.site) as books:
        order = await books.rows(
            "select o.id, max(a.assigned_at) as at from assignment.operations o"
            " left join assignment.asset_assignments a on a.operation_id = o.id"
            " where o.id = any($1) group by o.id order by max(a.assigned_at) nulls first",
            list(bulks),
        )
        wanted = {
            who: bulks[row["id"]]["asset_id"]
            for row in order
            for who in bulks[row["id"]]["user_ids"]
        }
        rows = await books.rows(
            "select user_id::text, asset_id::text from assignment.active_assignments"
            " where user_id = any($1)",
            [UUID(who) for who in wanted],
        )
    has = {row["user_id"]: row["asset_id"] for row in rows}
    return [
        f"I2: {who} should have {asset} and has {has.get(who)}"
        for who, asset in wanted.items()
        if has.get(who) != asset
    ]


FAULTS = [Fault("F12", "twenty overlapping bulk assignments", overlapping_bulks, quick=True)]
