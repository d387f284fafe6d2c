"""The asset page says what was just written, and still answers when ``assignment`` is away."""

from __future__ import annotations

import pytest
from aiohttp import web

from services.gateway.tests.house import House
from services.gateway.tests.stand_ins import ASSET_ID, GONE, RESTORED
from shared.contracts.converter import WITHDRAWN

PATH = f"/api/admin/assets/{ASSET_ID}"
WITHDRAWAL = f"/internal/assets/{ASSET_ID}/withdraw"


async def test_the_page_is_composed_of_both_owners(house: House) -> None:
    answer = await house.client.get(PATH, headers=house.bearer())
    assert await answer.json() == {
        "id": ASSET_ID,
        "title": "old",
        "user_id": "ada",
        "assigned_at": None,
        "assigned_by": None,
        "active_assignment_count": 1,
    }


async def test_without_assignment_the_converter_knows_enough(house: House, nowhere: str) -> None:
    house.peers["assignment"] = nowhere
    answer = await house.client.get(PATH, headers=house.bearer())
    assert await answer.json() == {"id": ASSET_ID, "title": "old", "user_id": None}


async def test_a_page_that_did_not_change_is_not_sent_again(house: House, nowhere: str) -> None:
    tag = (await house.client.get(PATH, headers=house.bearer())).headers["ETag"]
    known = house.bearer() | {"If-None-Match": f'"other", W/{tag}'}
    answer = await house.client.get(PATH, headers=known)
    assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", tag)
    house.peers["assignment"] = nowhere
    answer = await house.client.get(PATH, headers=known)
    assert answer.status == 200, "assignment's fields are part of it"


async def test_without_the_converter_it_is_503(house: House, nowhere: str) -> None:
    house.peers["converter"] = nowhere
    answer = await house.client.get(PATH, headers=house.bearer())
    assert answer.status == 503
    assert (await answer.json())["part"] == "converter"


async def test_refusals_pass_through(house: House) -> None:
    other = PATH[:-1] + "2"
    assert (await house.client.get(other, headers=house.bearer())).status == 404
    assert (await house.client.get("/api/admin/assets/x", headers=house.bearer())).status == 400
    assert (await house.client.get(other)).status == 401
    assert (await house.client.get(PATH, headers=house.bearer(role="user"))).status == 403


def asked(house: House) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in house.seen]


async def test_an_asset_is_deleted_once_it_is_withdrawn(house: House) -> None:
    answer = await house.client.delete(PATH, headers=house.bearer())
    assert answer.status == 204
    assert asked(house) == [
        ("GET", "/.well-known/jwks.json"),
        ("POST", WITHDRAWAL),
        ("DELETE", PATH),
    ]


async def test_an_asset_that_the_promise_alone_got_deleted_is_deleted(house: House) -> None:
    """The converter hears of it, and deletes, before the gateway can ask it to."""
    house.behind["converter"][GONE].add(ASSET_ID)
    answer = await house.client.delete(PATH, headers=house.bearer())
    assert answer.status == 204
    assert ("DELETE", PATH) in asked(house)

    again = await house.client.delete(PATH, headers=house.bearer())
    assert (again.status, (await again.json())["code"]) == (404, "asset_not_found")


async def test_a_second_step_that_failed_can_be_asked_for_again(house: House, nowhere: str) -> None:
    converter, house.peers["converter"] = house.peers["converter"], nowhere
    assert (await house.client.delete(PATH, headers=house.bearer())).status == 503
    house.peers["converter"] = converter
    assert (await house.client.delete(PATH, headers=house.bearer())).status == 204


async def test_what_was_just_restored_is_deleted_by_a_promise_that_knows_it(house: House) -> None:
    house.behind["converter"][RESTORED][0] = 3
    assert (await house.client.delete(PATH, headers=house.bearer())).status == 204
    assert asked(house)[1:] == [("POST", WITHDRAWAL), ("DELETE", PATH)] * 3


async def test_while_nobody_hears_of_a_restoration_nothing_is_deleted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.assets.PATIENCE_SECONDS", 0.1)
    house.behind["converter"][RESTORED][0] = 1000
    answer = await house.client.delete(PATH, headers=house.bearer() | {WITHDRAWN: "2000"})
    assert (answer.status, (await answer.json())["code"]) == (409, "restoration_under_way")


async def test_an_asset_that_somebody_has_is_not_deleted(house: House) -> None:
    other = PATH[:-1] + "2"
    answer = await house.client.delete(other, headers=house.bearer())
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (409, "asset_assigned")
    assert (problem["instance"], problem["active_assignment_count"]) == (other, 2)
    assert ("DELETE", other) not in asked(house)


async def test_without_assignment_nothing_is_deleted(house: House, nowhere: str) -> None:
    house.peers["assignment"] = nowhere
    answer = await house.client.delete(PATH, headers=house.bearer())
    assert answer.status == 503
    assert ("DELETE", PATH) not in asked(house)


@pytest.mark.parametrize("promised", [201, 204])
async def test_an_older_assignment_promises_without_a_version(
    house: House, promised: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows of no restoration; where there was one, its promise is worth nothing."""

    async def withdraw(_: web.Request) -> web.Response:
        return web.Response(status=promised)

    async with house.another("assignment", web.post(WITHDRAWAL, withdraw)):
        monkeypatch.setattr("services.gateway.assets.PATIENCE_SECONDS", 0.1)
        house.behind["converter"][RESTORED][0] = 1
        answer = await house.client.delete(PATH, headers=house.bearer())
        assert (answer.status, (await answer.json())["code"]) == (409, "restoration_under_way")
        house.behind["converter"][RESTORED][0] = 0
        answer = await house.client.delete(PATH, headers=house.bearer())
        assert answer.status == 204
    assert ("DELETE", PATH) in asked(house)


async def test_an_assignment_that_cannot_promise_yet_is_asked_again_soon(house: House) -> None:
    async with house.another("assignment"):
        answer = await house.client.delete(PATH, headers=house.bearer())
        problem = await answer.json()
    assert (answer.status, problem["code"], problem["part"]) == (503, "unavailable", "assignment")
    assert answer.headers["Retry-After"]
    assert ("DELETE", PATH) not in asked(house)
    assert (await house.client.delete(PATH, headers=house.bearer())).status == 204


async def test_deleting_is_for_administrators(house: House) -> None:
    path = "/api/admin/assets/x"
    assert (await house.client.delete(path, headers=house.bearer())).status == 400
    assert (await house.client.delete(PATH)).status == 401
    assert (await house.client.delete(PATH, headers=house.bearer(role="user"))).status == 403
