"""The asset page says what was just written, and still answers when ``assignment`` is away."""

from __future__ import annotations

from services.gateway.tests.house import House
from services.gateway.tests.stand_ins import ASSET_ID, GONE

PATH = f"/api/admin/assets/{ASSET_ID}"


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
        ("POST", f"/internal/assets/{ASSET_ID}/withdraw"),
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


async def test_deleting_is_for_administrators(house: House) -> None:
    path = "/api/admin/assets/x"
    assert (await house.client.delete(path, headers=house.bearer())).status == 400
    assert (await house.client.delete(PATH)).status == 401
    assert (await house.client.delete(PATH, headers=house.bearer(role="user"))).status == 403
