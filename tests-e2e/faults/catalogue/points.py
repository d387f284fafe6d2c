"""Processes die between two steps that should be one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from faults import ledger
from faults.fault import Fault, Scene
from faults.history import Call, Caller
from faults.site import WORKERS
from faults.supervisor import Member
from harness.client import Json
from harness.waiting import eventually

_WINDOW = 30.0
"""Seconds in which an operation can be undone; after them, it can be reverted."""

_CONVERTERS = ("converter", *WORKERS)

STEPS = (
    ("confirmed", ("assignment",)),
    ("confirmed", _CONVERTERS),
    ("consumed", ("audit",)),
    ("consumed", ("notifier",)),
    ("consumed", ("assignment",)),
    ("consumed", ("converter",)),
)
"""A failpoint, and the services one of which is to die there."""


async def die_between_two_steps(scene: Scene) -> None:
    """A relay dies after the broker's confirm; a consumer dies after its commit, before the ack.

    Survived by: the inbox, which knows the repeated message, and its effect in one transaction.
    """
    for _ in range(scene.much(1, 2, 5)):
        for point, names in STEPS:
            await _die(point, [scene.site.members[name] for name in names])
            await scene.load.busy(5)
    await scene.site.up()


async def _die(point: str, members: Iterable[Member]) -> None:
    members = list(members)
    for member in members:
        member.arm(point)
    async with asyncio.timeout(60):
        while not any(member.fired(point) for member in members):
            await asyncio.sleep(0.02)
    for member in members:
        member.disarm()


async def die_before_the_answer(scene: Scene) -> None:
    """The gateway, or the service behind it, dies after the commit and before the answer.

    Survived by: the Idempotency-Key, whose answer is kept in the command's own transaction.
    """
    for _ in range(scene.much(1, 2, 5)):
        await _die("passing", [scene.site.members["gateway"]])
        for name in ("assignment", "identity", "converter"):
            await _die("answered", [scene.site.members[name]])
        await scene.load.busy(10)
    await scene.site.up()
    await _check_keys(scene)


async def _check_keys(scene: Scene) -> None:
    """A key answers again for the same request, and refuses another."""
    client = scene.load.client
    mark = f"{scene.random.getrandbits(64):x}"
    call = await scene.load.caller("keys", scene.random).call(
        "create",
        "/api/admin/users",
        {"email": f"{mark}@example.com", "name": mark},
        about={"email": f"{mark}@example.com"},
    )
    headers = {**client.headers(), "Idempotency-Key": call.key}

    async def again(name: str) -> tuple[int, Json]:
        body = {"email": f"{mark}@example.com", "name": name}
        url = f"{client.url}/api/admin/users"
        async with client.session.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    same, other = await again(mark), await again("another")
    scene.expect(same == (201, call.answer), f"I2: the key answered {same}")
    scene.expect(other[0] == 422, f"I2: the key was good for another request: {other}")


async def die_in_a_bulk(scene: Scene) -> None:
    """The service dies in each step of a bulk assignment, and of its undo; and the last moment in
    which it can be undone comes while many want to change what it gave.

    Survived by: one transaction for all that an operation does, its events and its answer; what
    was only intended is settled later; the clock is read once, when the locks are held.
    """
    people = await scene.load.hire(10, scene.random)
    await eventually(partial(_known, scene, people), within=60)  # before nobody can hear of them
    for _ in range(scene.much(1, 2, 5)):
        for point in ("saving", "written", "answered"):
            async with scene.load.undisturbed():
                await _bulk_and_undo(scene, point, people)
    for seconds in (29.999, 30.001):
        await _at_the_edge(scene, seconds, people)


async def _at_the_edge(scene: Scene, seconds: float, people: list[str]) -> None:
    """So long after a bulk, to the millisecond: two undo it, two revert it, one gives anew.

    Either the undo or the revert is possible then, and of the two that ask one gets it; who was
    given something anew keeps that, or had it given after the others were through.
    """
    service = scene.site.members["assignment"]
    callers = [scene.load.caller(f"edge{n}", scene.random) for n in range(5)]
    film, other = scene.crew.films
    began = datetime.now(UTC)
    service.set_clock(began)
    try:
        await _bulk(callers[0], other, people)
        given = await _bulk(callers[0], film, people)
        service.set_clock(began + timedelta(seconds=seconds))
        operation = given.answer["operation_id"]
        undo, revert = (
            (f"/api/admin/assets/{film}/undo-assign", {"operation_id": operation}),
            (f"/api/admin/operations/{operation}/revert", {}),
        )
        about = {"undoes": operation}
        *taken_back, anew = await asyncio.gather(
            *(caller.call("late", *undo, about=about) for caller in callers[:2]),
            *(caller.call("revert", *revert, about=about) for caller in callers[2:4]),
            _bulk(callers[4], other, people[:1]),
        )
    finally:
        service.set_clock(None)
    won = [call.kind for call in taken_back if call.outcome == "ok"]
    expected = ["late" if seconds < _WINDOW else "revert"]
    scene.expect(won == expected, f"F13: {won} instead of {expected} after {seconds} s")
    scene.expect(anew.outcome == "ok", f"F13: an assignment was answered {anew.answer}")
    await _all_have(scene, people, other)


async def _bulk(caller: Caller, asset: str, people: list[str]) -> Call:
    about = {"asset_id": asset, "user_ids": people}
    return await caller.call("bulk", "/api/admin/assets/bulk-assign", about, about=about)


async def _known(scene: Scene, people: list[str]) -> None:
    async with ledger.opened(scene.site) as books:
        known = await books.one(
            "select count(*) from assignment.users where known and id::text = any($1)", people
        )
    assert known == len(people), f"I1: only {known} of {len(people)} are known"


async def _all_have(scene: Scene, people: list[str], asset: str) -> None:
    async with ledger.opened(scene.site) as books:
        rows = await books.rows(
            "select asset_id::text from assignment.active_assignments"
            " where user_id::text = any($1)",
            people,
        )
    has = sorted(row["asset_id"] for row in rows)
    scene.expect(has == [asset] * len(people), f"I2: {has} instead of {asset} for all")


async def _bulk_and_undo(scene: Scene, point: str, people: list[str]) -> None:
    """Each of the two is begun while its service is about to die; both succeed in the end."""
    service = scene.site.members["assignment"]
    caller = scene.load.caller("bulk", scene.random)
    film, other = scene.crew.films
    for asset in (film, other):
        service.arm(point)
        call = await _bulk(caller, asset, people)
        scene.expect(service.fired(point), f"F13: nobody died at {point}")
        await service.up()
    service.arm(point)
    operation = call.answer["operation_id"]
    path = f"/api/admin/assets/{other}/undo-assign"
    body, about = {"operation_id": operation}, {"undoes": operation}
    undo = await caller.call("undo", path, body, about=about)
    scene.expect(service.fired(point), f"F13: nobody died at {point} of an undo")
    await service.up()
    holds = film if undo.outcome == "ok" else other
    await _all_have(scene, people, holds)


FAULTS = [
    Fault("F1", "death between commit and answer", die_before_the_answer),
    Fault(
        "F2", "death between confirm and delete, commit and ack", die_between_two_steps, quick=True
    ),
    Fault("F13", "death in each step of a bulk and its undo", die_in_a_bulk),
]
