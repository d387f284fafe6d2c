"""Assigning and undoing with an Idempotency-Key: one effect, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.assignment.http import ROUTES
from services.assignment.parts import Parts
from services.assignment.projector import Projector
from services.assignment.tests.world import World
from shared.contracts.actor import Actor
from shared.contracts.assignment import AssetAssigned, OperationUndone
from shared.testing.callers import SEAL, signed
from shared.web.application import application


class Asking:
    """An administrator who sends a key with everything."""

    def __init__(self, world: World, client: TestClient[web.Request, web.Application]) -> None:
        self.world = world
        self._client = client

    async def assign(self, asset: UUID, user: UUID, *, key: str) -> tuple[int, bytes]:
        return await self._post(f"/api/admin/assets/{asset}/assign", {"user_id": str(user)}, key)

    async def undo(self, asset: UUID, *, key: str) -> tuple[int, bytes]:
        return await self._post(f"/api/admin/assets/{asset}/undo-assign", None, key)

    async def bulk(self, asset: UUID, users: list[UUID], *, key: str) -> tuple[int, bytes]:
        body = {"asset_id": str(asset), "user_ids": [str(user) for user in users]}
        return await self._post("/api/admin/assets/bulk-assign", body, key)

    async def _post(self, path: str, body: object, key: str) -> tuple[int, bytes]:
        actor = Actor.user(self.world.admin)
        headers = {**signed(tenant=self.world.tenant, actor=actor), "Idempotency-Key": key}
        async with self._client.post(path, json=body, headers=headers) as answer:
            return answer.status, await answer.read()


@pytest.fixture
async def asking(world: World) -> AsyncIterator[Asking]:
    database = world.databases["assignment"]
    parts = Parts(database, Projector(database))
    app = application("assignment", [routes.given(parts) for routes in ROUTES], seal=SEAL)
    async with TestClient(TestServer(app)) as client:
        yield Asking(world, client)


async def test_an_assignment_sent_again_changes_nothing_whatever_came_after(
    asking: Asking, world: World
) -> None:
    user, first, later = await world.user(), await world.asset(), await world.asset()
    answer = await asking.assign(first, user, key="monday")
    await world.assign(later, user)
    world.clock.advance(3600)

    assert answer[0] == 201
    assert await asking.assign(first, user, key="monday") == answer
    assert await world.has(user) == later
    assert len(await world.rows(user)) == 2


async def test_an_unchanged_assignment_stays_unchanged(asking: Asking, world: World) -> None:
    user, asset = await world.user(), await world.asset()
    await world.assign(asset, user)
    answer = await asking.assign(asset, user, key="again")
    await world.undo(asset)

    assert answer[0] == 200
    assert await asking.assign(asset, user, key="again") == answer
    assert await world.has(user) is None


async def test_a_key_does_not_serve_another_user_or_asset(asking: Asking, world: World) -> None:
    user, asset = await world.user(), await world.asset()
    await asking.assign(asset, user, key="monday")

    for other in ((asset, await world.user()), (await world.asset(), user)):
        status, problem = await asking.assign(*other, key="monday")
        assert (status, orjson.loads(problem)["code"]) == (422, "idempotency_key_reused")
    assert await world.has(user) == asset


async def test_what_was_refused_may_succeed_later(asking: Asking, world: World) -> None:
    user, asset = await world.user(), await world.asset("processing")
    status, _ = await asking.assign(asset, user, key="early")
    assert status == 400

    await world.convert(asset, "completed", version=3)
    status, _ = await asking.assign(asset, user, key="early")
    assert status == 201


async def test_an_undo_sent_again_undoes_no_second_operation(asking: Asking, world: World) -> None:
    asset, users = await world.asset(), [await world.user(), await world.user()]
    for user in users:
        await world.assign(asset, user)
        world.clock.advance(1)
    answer = await asking.undo(asset, key="oops")

    assert answer[0] == 200
    assert await asking.undo(asset, key="oops") == answer
    assert [await world.has(user) for user in users] == [asset, None]
    assert len([e for e in await world.events() if isinstance(e, OperationUndone)]) == 1


async def test_twins_at_the_same_time_assign_once(asking: Asking, world: World) -> None:
    user, asset = await world.user(), await world.asset()

    answers = await asyncio.gather(*(asking.assign(asset, user, key="twin") for _ in range(10)))

    assert {status for status, _ in answers} <= {201, 409}
    assert len({body for status, body in answers if status == 201}) == 1
    assert len([e for e in await world.events() if isinstance(e, AssetAssigned)]) == 1


async def test_twins_of_a_bulk_have_one_effect_and_leave_no_attempt_open(
    asking: Asking, world: World
) -> None:
    users, film = await world.many_users(3), await world.asset()

    twins = await asyncio.gather(*(asking.bulk(film, users, key="all") for _ in range(5)))
    again = await asking.bulk(film, users, key="all")

    done = {answer for answer in twins if answer[0] == 201}
    assert done == {again}
    assert {status for status, _ in twins} <= {201, 409}
    rows = await world.databases.as_admin("select status from assignment.operations")
    assert [row["status"] for row in rows].count("completed") == 1
    assert "attempted" not in {row["status"] for row in rows}
