"""The routes, as the gateway calls them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.assignment.http import ROUTES as GROUPS
from services.assignment.parts import Parts
from services.assignment.projector import Projector
from services.assignment.tests.world import World, asset_uploaded, status_changed, user_created
from shared.contracts.actor import Actor
from shared.contracts.envelope import rfc3339
from shared.contracts.identity import Role
from shared.db.database import Clock
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.web.application import application

Client = TestClient[web.Request, web.Application]


NO_ONE = "0192e4a0-0000-7000-8000-00000000dead"
"""An id old enough not to be waited for."""

ROUTES = [
    ("POST", "/api/admin/assets/{}/assign", {"user_id": NO_ONE}),
    ("POST", "/api/admin/assets/{}/undo-assign", None),
    ("GET", "/api/admin/users/{}/assignment", None),
    ("GET", "/internal/assets/{}/state", None),
    ("POST", "/internal/assets/{}/withdraw", None),
]
ADMIN_ROUTES = ROUTES[:3]


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    database = world.databases["assignment"]
    parts = Parts(database, Projector(database))
    app = application("assignment", [group.given(parts) for group in GROUPS], seal=SEAL)
    async with TestClient(TestServer(app)) as client:
        yield client


def acting_as(world: World, role: Role = "admin") -> dict[str, str]:
    return signed(role, tenant=world.tenant, actor=Actor.user(world.admin))


async def ask(
    client: Client, method: str, path: str, *, headers: dict[str, str], body: Any = None
) -> tuple[int, Any]:
    async with client.request(method, path, json=body, headers=headers) as response:
        return response.status, await response.json()


async def assign(client: Client, world: World, asset: UUID, user: UUID) -> tuple[int, Any]:
    body = {"user_id": str(user)}
    path = f"/api/admin/assets/{asset}/assign"
    return await ask(client, "POST", path, headers=acting_as(world), body=body)


async def undo(client: Client, world: World, asset: UUID, body: Any = None) -> tuple[int, Any]:
    path = f"/api/admin/assets/{asset}/undo-assign"
    return await ask(client, "POST", path, headers=acting_as(world), body=body)


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_nobody_gets_in_without_an_actor(
    client: Client, method: str, path: str, body: Any
) -> None:
    status, problem = await ask(client, method, path.format(NO_ONE), headers={}, body=body)

    assert (status, problem["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_an_id_must_be_a_uuid(
    client: Client, world: World, method: str, path: str, body: Any
) -> None:
    headers = acting_as(world)

    status, problem = await ask(client, method, path.format("7"), headers=headers, body=body)

    assert (status, problem["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("body", [None, {}, {"user_id": "me"}, {"user_id": None}, [], "x"])
async def test_assigning_needs_a_user(client: Client, world: World, body: Any) -> None:
    path = f"/api/admin/assets/{NO_ONE}/assign"

    status, problem = await ask(client, "POST", path, headers=acting_as(world), body=body)

    assert (status, problem["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("body", [{"operation_id": "x"}, {"assignment_id": 7}, []])
async def test_what_is_named_to_be_undone_must_be_an_id(
    client: Client, world: World, body: Any
) -> None:
    status, problem = await undo(client, world, UUID(NO_ONE), body)

    assert (status, problem["code"]) == (400, "invalid_input")


@pytest.mark.parametrize(("method", "path", "body"), ADMIN_ROUTES)
async def test_only_administrators_may(
    client: Client, world: World, method: str, path: str, body: Any
) -> None:
    headers = acting_as(world, "user")

    for ident in (NO_ONE, str(await world.asset()), str(await world.user())):
        status, problem = await ask(client, method, path.format(ident), headers=headers, body=body)
        assert (status, problem["code"]) == (403, "forbidden")


async def test_what_is_not_there_is_not_found(client: Client, world: World) -> None:
    asset, nothing = await world.asset(), UUID(NO_ONE)
    path = f"/api/admin/users/{NO_ONE}/assignment"

    shown = await ask(client, "GET", path, headers=acting_as(world))

    for (status, problem), code in [
        (await assign(client, world, nothing, await world.user()), "asset_not_found"),
        (await assign(client, world, asset, nothing), "user_not_found"),
        (await undo(client, world, nothing), "asset_not_found"),
        (await undo(client, world, asset), "nothing_to_undo"),
        (shown, "user_not_found"),
    ]:
        assert (status, problem["code"]) == (404, code)


async def test_only_completed_assets_and_enabled_users(client: Client, world: World) -> None:
    user, asset = await world.user(), await world.asset()

    for (status, problem), code in [
        (await assign(client, world, await world.asset("failed"), user), "asset_not_completed"),
        (await assign(client, world, asset, await world.user(disabled=True)), "user_disabled"),
    ]:
        assert (status, problem["code"]) == (400, code)


async def test_an_assignment_is_answered_whole(client: Client, world: World) -> None:
    user, old, asset = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    world.clock.advance(5)

    status, answer = await assign(client, world, asset, user)

    assert status == 201
    assert UUID(answer.pop("id")).version == UUID(answer.pop("operation_id")).version == 7
    assert answer == {
        "asset_id": str(asset),
        "user_id": str(user),
        "previous_asset_id": str(old),
        "assigned_by": str(world.admin),
        "assigned_at": "2026-03-01T12:00:05.000000Z",
        "undo_expires_at": "2026-03-01T12:00:35.000000Z",
        "server_time": "2026-03-01T12:00:05.000000Z",
        "reverted_at": None,
        "reverted_by": None,
        "revert_reason": None,
        "superseded_at": None,
        "restored_from": None,
        "unchanged": False,
    }


async def test_assigning_again_answers_the_assignment_there_is(
    client: Client, world: World
) -> None:
    user, asset = await world.user(), await world.asset()
    _, first = await assign(client, world, asset, user)
    world.clock.advance(5)

    status, again = await assign(client, world, asset, user)

    assert status == 200
    assert again == first | {"unchanged": True, "server_time": "2026-03-01T12:00:05.000000Z"}


async def test_undo_answers_what_it_did(client: Client, world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    other = await world.assigned(new, await world.user())
    world.clock.advance(1)
    _, assigned = await assign(client, world, new, user)

    status, answer = await undo(client, world, new)

    assert status == 200
    assert answer == {
        "message": "The assignment was undone.",
        "dry_run": False,
        "operation_id": assigned["operation_id"],
        "restored": [{"user_id": str(user), "asset_id": str(old)}],
        "skipped": [],
        "other_operations": [str(other.operation.id)],
    }


async def test_undo_of_a_first_assignment_restores_nothing(client: Client, world: World) -> None:
    user, asset = await world.user(), await world.asset()
    _, assigned = await assign(client, world, asset, user)

    _, answer = await undo(client, world, asset, {"assignment_id": assigned["id"]})

    assert answer["restored"] == [{"user_id": str(user), "asset_id": None}]


async def test_undo_says_why_a_user_is_left_with_nothing(client: Client, world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    await world.assign(new, user)
    await world.convert(old, "failed", version=3)

    _, answer = await undo(client, world, new)

    reason = "asset_not_completed"
    assert answer["restored"] == [{"user_id": str(user), "asset_id": None, "reason": reason}]


async def test_undo_has_reasons_to_refuse(client: Client, world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    await world.assign(new, user)

    status, problem = await undo(client, world, old)
    assert (status, problem["code"]) == (409, "changed_since")

    world.clock.advance(30.001)
    status, problem = await undo(client, world, new)
    assert (status, problem["code"]) == (400, "undo_window_expired")
    assert problem["undo_expires_at"] == "2026-03-01T12:00:30.000000Z"
    assert problem["server_time"] == rfc3339(world.clock.moment)


async def test_a_user_is_shown_with_what_they_have(client: Client, world: World) -> None:
    user, asset = await world.user(), await world.asset()
    await world.learn(user_created(world.admin, role="admin"))
    path = f"/api/admin/users/{user}/assignment"
    assert await ask(client, "GET", path, headers=acting_as(world)) == (200, {"assignment": None})
    _, assigned = await assign(client, world, asset, user)

    status, answer = await ask(client, "GET", path, headers=acting_as(world))

    del assigned["unchanged"]
    assert status == 200
    assert answer["assignment"] == assigned | {
        "asset": {
            "id": str(asset),
            "title": "A film",
            "filename": "film.mp4",
            "conversion_status": "completed",
        },
        "admin": {
            "id": str(world.admin),
            "name": "Ada",
            "email": f"{world.admin}@example.com",
        },
    }


async def test_the_state_of_an_asset_is_live(client: Client, world: World) -> None:
    user, asset = await world.user(), await world.asset()
    path = f"/internal/assets/{asset}/state"
    headers = acting_as(world, "user")
    nobody = {
        "user_id": None,
        "assigned_at": None,
        "assigned_by": None,
        "active_assignment_count": 0,
    }
    assert await ask(client, "GET", path, headers=headers) == (200, nobody)

    await world.assign(asset, user)

    assert await ask(client, "GET", path, headers=headers) == (
        200,
        {
            "user_id": str(user),
            "assigned_at": "2026-03-01T12:00:00.000000Z",
            "assigned_by": str(world.admin),
            "active_assignment_count": 1,
        },
    )


async def test_only_the_first_who_withdraws_an_asset_is_told_so(
    client: Client, world: World
) -> None:
    """The gateway goes by it: a deletion that finds the asset gone was this one, or an earlier."""
    user, asset, taken = await world.user(), await world.asset(), await world.asset()
    await world.assign(taken, user)

    async def withdraw(ident: UUID | str) -> int:
        path = f"/internal/assets/{ident}/withdraw"
        async with client.post(path, headers=acting_as(world)) as response:
            return response.status

    assert [await withdraw(ident) for ident in (asset, asset)] == [201, 200]
    assert [await withdraw(ident) for ident in (taken, NO_ONE)] == [409, 404]


async def test_a_young_id_is_waited_for(client: Client, world: World) -> None:
    world.databases["assignment"].clock = Clock()
    asset, user = new_id(), new_id()

    async def news() -> None:
        for event in (
            asset_uploaded(asset),
            status_changed(asset, "processing"),
            user_created(user),
            status_changed(asset, "completed", version=3),
        ):
            await asyncio.sleep(0.05)
            await world.learn(event)

    (status, _), _ = await asyncio.gather(assign(client, world, asset, user), news())

    assert status == 201


async def test_a_young_id_is_not_waited_for_long(client: Client, world: World) -> None:
    world.databases["assignment"].clock = Clock()
    began = time.monotonic()

    status, _ = await assign(client, world, new_id(), await world.user())

    assert status == 404
    assert 1.9 < time.monotonic() - began < 4


async def test_an_old_id_is_not_waited_for(client: Client, world: World) -> None:
    world.databases["assignment"].clock = Clock()
    began = time.monotonic()

    await assign(client, world, UUID(NO_ONE), await world.user())

    assert time.monotonic() - began < 1
