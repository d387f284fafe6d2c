"""Who gets in: nobody without a good token, and services hear only what the gateway vouches for."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp.test_utils import make_mocked_request
from joserfc.jwk import KeySet, OKPKey

from services.gateway.tests.house import House
from shared.entrance.authentication import Authenticator
from shared.entrance.credentials import Credentials, InvalidToken
from shared.entrance.identity import Identity
from shared.entrance.keys import KeyRing
from shared.entrance.origins import Origins
from shared.entrance.upstream import Upstream
from shared.testing.identity import new_key
from shared.web.actor import ActorSeal
from shared.web.csrf import CsrfTokens

USERS = "/api/admin/users"


async def _refused(house: House, authorization: str | None, code: str) -> Any:
    headers = {"Authorization": authorization} if authorization is not None else {}
    answer = await house.client.get(USERS, headers=headers)
    told = await answer.json()
    assert (answer.status, told["code"]) == (401, code), told
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return told


async def test_a_good_token_passes_as_a_signed_actor(house: House) -> None:
    forged = {"X-Actor": "forged", "X-Actor-Extra": "x", "Cookie": "a=b", "X-Forwarded-For": "me"}
    answer = await house.client.get(USERS, headers=house.bearer() | forged)
    assert answer.status == 200
    got = (await answer.json())["headers"]
    assert got["X-Actor"] not in ("", "forged")
    assert {"Authorization", "Cookie", "X-Actor-Extra"}.isdisjoint(got)
    assert got["X-Forwarded-For"] == "127.0.0.1"


async def test_the_trace_goes_on_behind_the_gateway(house: House) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    sent = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", "X-Request-ID": "mine"}
    answer = await house.client.get(USERS, headers=house.bearer() | sent)
    got = (await answer.json())["headers"]
    assert got["traceparent"].split("-")[1] == trace_id
    assert got["X-Request-ID"] == answer.headers["X-Request-ID"] == "mine"


async def test_nobody_is_401(house: House) -> None:
    await _refused(house, None, "unauthenticated")
    await _refused(house, "", "unauthenticated")


@pytest.mark.parametrize(
    "header", ["Basic YTpi", "Bearer", "Bearer x", "Bearer a.b.c", "Bearer é", "Bearer ..", "x"]
)
async def test_what_is_no_token_is_401(house: House, header: str) -> None:
    await _refused(house, header, "invalid_token")


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "somebody"},
        {"aud": "elsewhere"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 9_999_999_999},
        {"sub": "not-a-uuid"},
        {"sub": None},
        {"sid": None},
        {"role": "root"},
        {"tenant": None},
        {"header": {"typ": "JWT"}},
        {"header": {"kid": "another"}},
    ],
)
async def test_a_token_that_is_not_meant_for_us_is_401(house: House, wrong: Any) -> None:
    await _refused(house, f"Bearer {house.token(**wrong)}", "invalid_token")


async def test_a_foreign_or_missing_signature_is_401(house: House) -> None:
    stranger = new_key()
    posing = house.token(key=stranger, header={"kid": house.key.kid})
    await _refused(house, f"Bearer {posing}", "invalid_token")
    claims = house.token().split(".")[1]
    head = orjson.dumps({"alg": "none", "typ": "at+jwt", "kid": house.key.kid})
    unsigned = base64.urlsafe_b64encode(head).decode().rstrip("=") + f".{claims}."
    await _refused(house, f"Bearer {unsigned}", "invalid_token")


async def test_a_user_is_403_on_admin_routes(house: House) -> None:
    answer = await house.client.get(USERS, headers=house.bearer(role="user"))
    assert answer.status == 403
    assert house.seen == [each for each in house.seen if "jwks" in each.path]


async def test_a_remembered_token_still_expires(house: House) -> None:
    time, key = 1_800_000_000.0, house.key
    seal, upstream = ActorSeal(b"key", lambda: time), Upstream({})

    async def all_live(idents: Sequence[UUID]) -> set[UUID]:
        return set(idents)

    authenticator = Authenticator(
        ring=KeyRing(_publishing(key), lambda: 0.0),
        identity=Identity(upstream, seal, lambda: time),
        credentials=Credentials(all_live, lambda: time),
        origins=Origins(None, ()),
        csrf=CsrfTokens(b"key"),
        seal=seal,
        now=lambda: time,
    )
    token = house.token(nbf=int(time), exp=int(time) + 10)
    request = make_mocked_request("GET", "/", headers={"Authorization": f"Bearer {token}"})
    first = await authenticator.admit(request, "admin")
    time += 9
    assert await authenticator.admit(request, "admin") is first
    time += 1
    with pytest.raises(InvalidToken):
        await authenticator.admit(request, "admin")


def _publishing(key: OKPKey) -> Any:
    async def fetch() -> Any:
        return KeySet([key]).as_dict(private=False)

    return fetch


async def test_public_routes_need_no_token_and_mind_no_bad_one(house: House) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}):
        answer = await house.client.post("/api/auth/login", headers=headers)
        assert answer.status == 200
        assert "X-Actor" not in (await answer.json())["headers"]
    answer = await house.client.post("/api/auth/login", headers=house.bearer())
    assert "X-Actor" in (await answer.json())["headers"]


async def test_without_any_keys_it_is_503(house: House, nowhere: str) -> None:
    house.peers["identity"] = nowhere
    answer = await house.client.get("/api/admin/assets", headers=house.bearer())
    assert answer.status == 503
    assert (await answer.json())["part"] == "identity"
