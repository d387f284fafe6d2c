"""What operators get from the gateway: composed of what services say, whoever of them is away."""

from __future__ import annotations

import pytest
from aiohttp import web

from services.gateway.table import SERVICES
from services.gateway.tests.house import House
from services.gateway.tests.stand_ins import PARKED_ID

IDENT = "019a9d3c-5c00-7000-8000-0000000000a1"

ROUTES = [
    ("GET", "/api/admin/system"),
    ("GET", "/api/admin/parked"),
    ("GET", f"/api/admin/parked/{IDENT}"),
    ("POST", f"/api/admin/parked/{IDENT}/replay"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_only_administrators_are_let_in(house: House, method: str, path: str) -> None:
    async with house.client.request(method, path) as answer:
        assert answer.status == 401
    async with house.client.request(method, path, headers=house.bearer(role="user")) as answer:
        assert (answer.status, (await answer.json())["code"]) == (403, "forbidden")


async def test_bad_questions_are_pointed_at(house: House) -> None:
    for query in ("limit=0", "limit=501", "cursor=x", "queue=no.such"):
        answer = await house.client.get(f"/api/admin/parked?{query}", headers=house.bearer())
        problem = await answer.json()
        assert (answer.status, problem["code"]) == (400, "invalid_input")
        assert problem["errors"][0]["pointer"] == f"#/{query.partition('=')[0]}"
    answer = await house.client.get("/api/admin/parked/x", headers=house.bearer())
    assert answer.status == 400


async def test_the_system_page_comes_with_everything_down(house: House, nowhere: str) -> None:
    for name in SERVICES:
        if name != "identity":  # else nobody could sign in
            house.peers[name] = nowhere
    answer = await house.client.get("/api/admin/system", headers=house.bearer())
    system = await answer.json()
    assert (answer.status, system["status"]) == (200, "degraded")
    states = {service["name"]: service["status"] for service in system["services"]}
    assert states.pop("gateway") == "degraded"
    assert states == dict.fromkeys(SERVICES, "down")
    assert {queue["ready"] for queue in system["queues"]} == {None}
    assert "audit.trail" in {queue["name"] for queue in system["queues"]}
    assert (system["audit"], system["conversions"], system["database"]) == (None, None, None)
    assert system["disk"]["data"]["free_bytes"] > 0


async def test_parked_messages_are_listed_without_who_is_away(house: House, nowhere: str) -> None:
    house.peers["notifier"] = nowhere
    page = await house.client.get("/api/admin/parked?queue=notifier.store", headers=house.bearer())
    assert await page.json() == {"items": [], "next_cursor": None, "missing": ["notifier"]}


async def test_nobody_having_a_message_is_not_found_only_if_all_were_asked(
    house: House, nowhere: str
) -> None:
    path = f"/api/admin/parked/{IDENT}"
    answer = await house.client.get(path, headers=house.bearer())
    assert (answer.status, (await answer.json())["code"]) == (404, "parked_not_found")
    house.peers["audit"] = nowhere
    answer = await house.client.post(f"{path}/replay", headers=house.bearer())
    problem = await answer.json()
    assert (answer.status, problem["part"]) == (503, "audit")


async def test_whoever_has_it_answers(house: House) -> None:
    headers = house.bearer() | {"Idempotency-Key": "once"}
    path = f"/api/admin/parked/{PARKED_ID}/replay"
    answer = await house.client.post(path, headers=headers)
    assert (answer.status, await answer.json()) == (202, {"key": "once"})


@pytest.mark.parametrize("knows", [False, True])
async def test_services_of_another_version_count_as_away(house: House, knows: bool) -> None:
    """They lack the routes, or say less than we count on."""

    async def little(_: web.Request) -> web.Response:
        return web.json_response({"name": "audit"})

    paths = ("parked", "doctor", "status", "trail") if knows else ()
    async with house.another("audit", *(web.get(f"/internal/{path}", little) for path in paths)):
        for name in SERVICES:
            if name not in ("identity", "audit"):
                house.peers[name] = house.peers["audit"]
        answers = {
            path: await house.client.get(f"/api/admin/{path}", headers=house.bearer())
            for path in ("system", "doctor", "parked?queue=audit.trail")
        }
        bodies = {path: await answer.json() for path, answer in answers.items()}
    assert {answer.status for answer in answers.values()} == {200}, bodies
    states = {each["name"]: each["status"] for each in bodies["system"]["services"]}
    assert states["audit"] == "down"
    assert "audit" in bodies["doctor"]["unchecked"]
    assert bodies["parked?queue=audit.trail"]["missing"] == ["audit"]
