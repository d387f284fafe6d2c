"""The routes for many users and whole operations, as the gateway calls them."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.assignment.http import ROUTES as GROUPS
from services.assignment.parts import Parts
from services.assignment.projector import Projector
from services.assignment.settings import AssignmentSettings
from services.assignment.tests.test_http import NO_ONE, Client, acting_as, ask, client
from services.assignment.tests.world import World, user_created
from shared.contracts.envelope import rfc3339
from shared.db.database import Clock
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL
from shared.web.application import application

__all__ = ["client"]

BULK = "/api/admin/assets/bulk-assign"
REVERT = "/api/admin/users/{}/revert-assignment"
OPERATION = "/api/admin/operations/{}"

SOME_BULK = {"asset_id": NO_ONE, "user_ids": [NO_ONE]}

ROUTES = [
    ("POST", BULK, SOME_BULK),
    ("POST", REVERT, {"assignment_id": NO_ONE}),
    ("GET", "/api/admin/assignments", None),
    ("GET", "/api/admin/operations", None),
    ("GET", OPERATION, None),
    ("POST", OPERATION + "/undo", None),
    ("POST", OPERATION + "/revert", None),
    ("POST", OPERATION + "/retry", None),
]


async def post(client: Client, world: World, path: str, body: Any = None) -> tuple[int, Any]:
    return await ask(client, "POST", path, headers=acting_as(world), body=body)


async def get(client: Client, world: World, path: str) -> tuple[int, Any]:
    return await ask(client, "GET", path, headers=acting_as(world))


async def bulk(client: Client, world: World, asset: UUID, *users: UUID) -> tuple[int, Any]:
    body = {"asset_id": str(asset), "user_ids": [str(user) for user in users]}
    return await post(client, world, BULK, body)


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_only_administrators_get_in(
    client: Client, world: World, method: str, path: str, body: Any
) -> None:
    for headers, expected in [({}, 401), (acting_as(world, "user"), 403)]:
        status, _ = await ask(client, method, path.format(NO_ONE), headers=headers, body=body)
        assert status == expected


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        [],
        SOME_BULK | {"user_ids": []},
        SOME_BULK | {"user_ids": None},
        SOME_BULK | {"user_ids": ["x"]},
        SOME_BULK | {"asset_id": "x"},
        SOME_BULK | {"user_ids": [NO_ONE] * 10_001},
    ],
)
async def test_a_bulk_needs_an_asset_and_users(client: Client, world: World, body: Any) -> None:
    status, problem = await post(client, world, BULK, body)

    assert (status, problem["code"]) == (400, "invalid_input")


async def test_a_young_user_is_waited_for_beside_one_who_will_never_be_known(
    client: Client, world: World
) -> None:
    world.databases["assignment"].clock = Clock()
    film, young = await world.asset(), new_id()

    async def word_arrives() -> None:
        await asyncio.sleep(0.2)
        await world.learn(user_created(young))

    (status, problem), _ = await asyncio.gather(
        bulk(client, world, film, UUID(NO_ONE), young), word_arrives()
    )

    assert status == 400
    assert [failure["user_id"] for failure in problem["failures"]] == [NO_ONE]


@pytest.mark.parametrize("body", [None, {}, {"assignment_id": "x"}, {"reason": "why"}])
async def test_a_revert_needs_an_assignment(client: Client, world: World, body: Any) -> None:
    status, problem = await post(client, world, REVERT.format(NO_ONE), body)

    assert (status, problem["code"]) == (400, "invalid_input")


@pytest.mark.parametrize(("method", "path", "body"), ROUTES[4:])
async def test_an_unknown_operation_is_not_found(
    client: Client, world: World, method: str, path: str, body: Any
) -> None:
    headers = acting_as(world)

    for ident, expected in [(NO_ONE, 404), ("7", 400)]:
        status, _ = await ask(client, method, path.format(ident), headers=headers, body=body)
        assert status == expected


async def test_a_bulk_is_answered_with_its_counts(client: Client, world: World) -> None:
    [anna, bob, carl], film = await world.many_users(3), await world.asset()
    await world.assign(film, carl)
    world.clock.advance(5)

    status, answer = await bulk(client, world, film, anna, bob, carl, anna)

    assert status == 201
    assert UUID(answer.pop("operation_id")).version == 7
    assert answer == {
        "successful_count": 2,
        "unchanged_count": 1,
        "failed_count": 0,
        "failures": [],
        "undo_expires_at": "2026-03-01T12:00:35.000000Z",
        "server_time": "2026-03-01T12:00:05.000000Z",
    }


async def test_a_refused_bulk_names_everybody_and_can_be_looked_up(
    client: Client, world: World
) -> None:
    anna, film = await world.user(), await world.asset()
    disabled = await world.user(disabled=True)

    status, problem = await bulk(client, world, film, anna, UUID(NO_ONE), disabled)

    assert (status, problem["code"]) == (400, "bulk_refused")
    told = {name: problem[name] for name in ("successful_count", "failed_count", "unchanged_count")}
    assert told == {"successful_count": 0, "failed_count": 2, "unchanged_count": 0}
    assert problem["undo_expires_at"] is None
    assert [failure["user_id"] for failure in problem["failures"]] == [NO_ONE, str(disabled)]
    assert NO_ONE in problem["detail"]
    _, shown = await get(client, world, OPERATION.format(problem["operation_id"]))
    assert (shown["status"], shown["error"], shown["requested_count"]) == (
        "failed",
        "bulk_refused",
        3,
    )
    assert shown["failures"] == problem["failures"]


async def test_a_bulk_of_what_is_not_there_or_not_ready(client: Client, world: World) -> None:
    user = await world.user()

    for asset, expected in [
        (UUID(NO_ONE), (404, "asset_not_found")),
        (await world.asset("failed"), (400, "asset_not_completed")),
    ]:
        status, problem = await bulk(client, world, asset, user)
        assert (status, problem["code"]) == expected


async def test_a_failed_bulk_is_tried_again(client: Client, world: World) -> None:
    user, film = await world.user(), await world.asset("failed")
    await bulk(client, world, film, user)
    failed = await world.newest_operation()
    await world.convert(film, "completed", version=3)

    status, answer = await post(client, world, OPERATION.format(failed) + "/retry")

    assert (status, answer["successful_count"]) == (201, 1)
    _, shown = await get(client, world, OPERATION.format(answer["operation_id"]))
    assert (shown["retries"], shown["status"]) == (str(failed), "completed")
    status, problem = await post(client, world, OPERATION.format(shown["id"]) + "/retry")
    assert (status, problem["code"]) == (409, "not_failed")


async def test_an_administrator_gives_only_so_many_users_something_in_bulk(world: World) -> None:
    database = world.databases["assignment"]
    settings = AssignmentSettings.load(bulk_users_rate="5/minute")
    parts = Parts(database, Projector(database), settings)
    app = application("assignment", [group.given(parts) for group in GROUPS], seal=SEAL)
    users, film = await world.many_users(3), await world.asset("failed")
    async with TestClient(TestServer(app)) as client:
        assert (await bulk(client, world, film, *users))[0] == 400
        failed = OPERATION.format(await world.newest_operation())

        for path, body in (
            (BULK, {"asset_id": str(film), "user_ids": [str(user) for user in users]}),
            (failed + "/retry", None),
        ):
            status, problem = await post(client, world, path, body)
            assert (status, problem["code"]) == (429, "too_many_requests")
        assert (await bulk(client, world, film, *users[:2]))[0] == 400, "two more are allowed"
        other = World(world.databases, world.clock, admin=new_id())
        assert (await bulk(client, other, film, *users))[0] == 400, "each counts alone"


async def test_a_dry_run_shows_the_plan_and_changes_nothing(client: Client, world: World) -> None:
    [anna, bob, carl], film = await world.many_users(3), await world.asset()
    lost, other = await world.asset(), await world.asset()
    await world.assign(lost, bob)
    _, done = await bulk(client, world, film, anna, bob, carl)
    await world.assign(other, carl)
    await world.convert(lost, "failed", version=3)
    path = OPERATION.format(done["operation_id"])
    plan = {
        "dry_run": True,
        "operation_id": done["operation_id"],
        "restored": [
            {"user_id": str(anna), "asset_id": None},
            {"user_id": str(bob), "asset_id": None, "reason": "asset_not_completed"},
        ],
        "skipped": [{"user_id": str(carl), "reason": "changed_since"}],
        "other_operations": [],
    }

    status, shown = await post(client, world, path + "/undo?dry_run=true")
    assert (status, shown) == (200, plan | {"message": shown["message"]})
    assert shown["message"] == "The assignment would be undone for 2 of 3 users."
    status, problem = await post(client, world, path + "/revert?dry_run=true")
    assert (status, problem["code"]) == (400, "undo_window_open")
    world.clock.advance(31)
    status, shown = await post(client, world, path + "/revert?dry_run=true")
    assert (status, shown) == (200, plan | {"message": shown["message"]})

    assert [await world.has(user) for user in (anna, bob)] == [film, film]
    status, shown = await post(client, world, path + "/revert", {"reason": "a mistake"})
    assert (status, shown["dry_run"], shown["skipped"]) == (200, False, plan["skipped"])
    assert [await world.has(user) for user in (anna, bob, carl)] == [None, None, other]
    status, problem = await post(client, world, path + "/revert")
    assert (status, problem["code"]) == (400, "already_reverted")


async def test_an_operation_is_undone_by_its_id(client: Client, world: World) -> None:
    users, film = await world.many_users(2), await world.asset()
    _, done = await bulk(client, world, film, *users)
    path = OPERATION.format(done["operation_id"])

    status, answer = await post(client, world, path + "/undo")

    assert (status, answer["message"]) == (200, "2 assignments were undone.")
    _, shown = await get(client, world, path)
    assert (shown["status"], shown["kind"]) == ("undone", "bulk_assign")
    status, problem = await post(client, world, path + "/undo")
    assert (status, problem["code"]) == (404, "nothing_to_undo")


async def test_a_revert_is_answered_with_what_the_user_has(client: Client, world: World) -> None:
    user, old, new = await world.user(), await world.asset(), await world.asset()
    await world.assign(old, user)
    made = (await world.assigned(new, user)).assignment
    path, body = REVERT.format(user), {"assignment_id": str(made.id), "reason": "a mistake"}
    status, problem = await post(client, world, path, body)
    assert (status, problem["code"], problem["remaining_seconds"]) == (400, "undo_window_open", 30)
    world.clock.advance(31)

    _, planned = await post(client, world, path + "?dry_run=true", body)
    assert (planned["dry_run"], planned["operation_id"]) == (True, None)
    assert await world.has(user) == new
    status, answer = await post(client, world, path, body)

    assert status == 200
    assert answer["message"] == f"The assignment was reverted: the user has asset {old}."
    assert answer["operation_id"] == answer["assignment"]["operation_id"]
    assert answer["assignment"]["asset_id"] == answer["restored_asset_id"] == str(old)
    status, problem = await post(client, world, path, body)
    assert (status, problem["code"]) == (400, "already_reverted")
    status, problem = await post(client, world, path, {"assignment_id": NO_ONE})
    assert (status, problem["code"]) == (404, "assignment_not_found")


async def test_operations_are_listed_newest_first_page_by_page(
    client: Client, world: World
) -> None:
    film = await world.asset()
    for _ in range(5):
        await world.bulk(film, [await world.user()])
        world.clock.advance(1)

    seen, cursor = [], ""
    while cursor is not None:
        _, page = await get(client, world, f"/api/admin/operations?limit=2{cursor}")
        seen += [item["performed_at"] for item in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"

    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)


async def test_an_operation_on_one_user_tells_whom(client: Client, world: World) -> None:
    [anna, bob], film = await world.many_users(2), await world.asset()
    _, both = await bulk(client, world, film, anna, bob)
    await world.assign(await world.asset(), bob)
    await post(client, world, OPERATION.format(both["operation_id"]) + "/undo")
    _, alone = await bulk(client, world, film, bob)
    made = (await world.assigned(await world.asset(), anna)).assignment
    world.clock.advance(31)
    await post(client, world, OPERATION.format(alone["operation_id"]) + "/revert")
    await post(client, world, REVERT.format(anna), {"assignment_id": str(made.id)})
    await bulk(client, world, film, UUID(NO_ONE))

    _, page = await get(client, world, "/api/admin/operations")

    told = {(each["kind"], each["status"], each["user_id"]) for each in page["items"]}
    assert told == {
        ("bulk_assign", "undone", None),
        ("assign", "completed", str(bob)),
        ("undo", "completed", str(anna)),
        ("bulk_assign", "reverted", str(bob)),
        ("assign", "completed", str(anna)),
        ("revert", "completed", str(bob)),
        ("revert", "completed", str(anna)),
        ("bulk_assign", "failed", NO_ONE),
    }


async def test_who_had_what_at_a_time(client: Client, world: World) -> None:
    users, old, new = await world.many_users(5), await world.asset(), await world.asset()
    await world.bulk(old, users)
    before = rfc3339(world.clock.moment)
    world.clock.advance(10)
    await world.bulk(new, users[:2])
    world.clock.advance(10)
    await world.undo(new)
    world.clock.advance(10)

    async def held(query: str) -> list[tuple[str, str]]:
        seen, cursor = [], ""
        while cursor is not None:
            path = f"/api/admin/assignments?limit=2{query}{cursor}"
            _, page = await get(client, world, path)
            seen += [(item["user_id"], item["asset_id"]) for item in page["items"]]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        return seen

    everybody = [(str(user), str(old)) for user in users]
    changed = [(str(user), str(new)) for user in users[:2]] + everybody[2:]
    assert await held("") == await held("&as_of=2999-01-01T00:00:00Z") == everybody
    assert await held(f"&as_of={before}") == everybody
    assert await held("&as_of=2026-03-01T12:00:10Z") == changed
    assert await held("&as_of=2026-03-01T12:00:19.999999Z") == changed
    assert await held("&as_of=2026-03-01T12:00:20Z") == everybody
    assert await held("&as_of=2026-03-01T11:59:59Z") == []
    assert await held(f"&as_of=2026-03-01T12:00:10Z&asset_id={new}") == changed[:2]
    assert await held(f"&as_of=2026-03-01T12:00:10Z&user_id={users[4]}") == everybody[4:]
    for wrong in ("yesterday", "7", "0001-01-01T00:00:00%2B10:00"):
        status, _ = await get(client, world, f"/api/admin/assignments?as_of={wrong}")
        assert status == 400


async def test_a_page_of_a_time_goes_on_in_that_time(client: Client, world: World) -> None:
    users, film = await world.many_users(3), await world.asset()
    await world.bulk(film, users)
    world.clock.advance(1)
    _, first = await get(client, world, "/api/admin/assignments?limit=1")
    world.clock.advance(1)
    await world.undo(film)

    _, rest = await get(client, world, f"/api/admin/assignments?cursor={first['next_cursor']}")

    assert rest["as_of"] == first["as_of"]
    assert [item["user_id"] for item in rest["items"]] == [str(user) for user in users[1:]]


async def test_a_user_sees_what_is_theirs(client: Client, world: World) -> None:
    film = await world.asset()
    await world.learn(user_created(world.admin))
    await world.assign(film, world.admin)

    status, answer = await ask(
        client, "GET", "/api/me/assignment", headers=acting_as(world, "user")
    )

    assert (status, answer["assignment"]["asset_id"]) == (200, str(film))
