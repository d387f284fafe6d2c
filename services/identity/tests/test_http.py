"""The routes of identity: anonymous, malformed, forbidden, not found, valid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer
from joserfc import jwt
from joserfc.jwk import KeySet

from services.identity import commands, http
from services.identity.tests.world import parts
from shared.testing.callers import SEAL, signed
from shared.testing.fixtures import OpenDatabases
from shared.web.application import application

USERS = "/api/admin/users"


@pytest.fixture
async def client(databases: OpenDatabases) -> AsyncIterator[TestClient]:
    database = (await databases("identity"))["identity"]
    await commands.create_first_administrator(database, "admin@example.com", "correct horse")
    app = application("identity", [http.routes.given(parts(database))], seal=SEAL)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), [("GET", USERS), ("POST", USERS)])
async def test_the_unknown_are_asked_to_sign_in(client: TestClient, method: str, path: str) -> None:
    async with client.request(method, path) as answer:
        assert answer.status == 401


async def test_users_may_not_administrate(client: TestClient) -> None:
    async with client.get(USERS, headers=signed("user")) as answer:
        assert (answer.status, (await answer.json())["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "no-address", "name": "Mia"}, "#/email"),
        ({"email": "mia@example.com", "name": "  "}, "#/name"),
        ({"email": "mia@example.com", "name": "Mia", "role": "owner"}, "#/role"),
        ({"email": "mia@example.com", "name": "Mia", "password": "short"}, "#/password"),
        ({"name": "Mia"}, "#/email"),
    ],
)
async def test_bad_input_is_pointed_at(
    client: TestClient, body: dict[str, str], pointer: str
) -> None:
    async with client.post(USERS, json=body, headers=signed()) as answer:
        problem = await answer.json()

    assert answer.status == 400
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_a_user_nobody_knows_is_not_found(client: TestClient) -> None:
    async with client.get(f"{USERS}/{UUID(int=7)}", headers=signed()) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "user_not_found")


async def test_a_created_user_can_be_found_and_signs_in(client: TestClient) -> None:
    body = {"email": "mia@example.com", "name": "Mia", "password": "correct horse"}
    async with client.post(USERS, json=body, headers=signed()) as answer:
        created = await answer.json()
        assert (answer.status, answer.headers["Location"]) == (201, f"{USERS}/{created['id']}")
    assert set(created) == {"id", "email", "name", "role", "disabled", "created_at"}

    async with client.get(USERS, params={"query": "MIA"}, headers=signed()) as answer:
        assert (await answer.json())["items"] == [created]
    credentials = {"email": body["email"], "password": body["password"]}
    async with client.post("/api/auth/login", json=credentials) as answer:
        assert (await answer.json())["user"] == created


async def test_a_user_is_sent_again_only_when_changed(client: TestClient) -> None:
    body = {"email": "mia@example.com", "name": "Mia"}
    async with client.post(USERS, json=body, headers=signed()) as answer:
        path = answer.headers["Location"]
    async with client.get(path, headers=signed()) as answer:
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert answer.headers["Cache-Control"] == "private, no-cache"
    async with client.get(path, headers=signed() | tag) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    async with client.patch(path, json={"name": "Mia L."}, headers=signed()) as answer:
        assert answer.status == 200
    async with client.get(path, headers=signed() | tag) as answer:
        assert (answer.status, (await answer.json())["name"]) == (200, "Mia L.")


async def test_the_same_address_conflicts(client: TestClient) -> None:
    body = {"email": "ADMIN@example.com", "name": "Other"}
    async with client.post(USERS, json=body, headers=signed()) as answer:
        assert (answer.status, (await answer.json())["code"]) == (409, "email_taken")


async def test_a_user_created_with_a_key_is_created_once(client: TestClient) -> None:
    caller = {**signed(), "Idempotency-Key": "mia"}
    body = {"email": "mia@example.com", "name": "Mia", "password": "correct horse"}
    async with client.post(USERS, json=body, headers=caller) as answer:
        created, location = await answer.json(), answer.headers["Location"]
    async with client.post(USERS, json=body, headers=caller) as answer:
        assert (answer.status, await answer.json()) == (201, created)
        assert answer.headers["Location"] == location
        assert answer.headers["Idempotent-Replayed"] == "true"
    async with client.post(USERS, json=body | {"name": "Ada"}, headers=caller) as answer:
        assert (answer.status, (await answer.json())["code"]) == (422, "idempotency_key_reused")
    async with client.post(USERS, json=body, headers=signed()) as answer:
        assert answer.status == 409


async def test_an_address_that_was_taken_may_be_tried_again_with_the_same_key(
    client: TestClient,
) -> None:
    caller = {**signed(), "Idempotency-Key": "ada"}
    async with client.post(
        USERS, json={"email": "admin@example.com", "name": "Ada"}, headers=caller
    ) as answer:
        assert answer.status == 409
    async with client.post(
        USERS, json={"email": "ada@example.com", "name": "Ada"}, headers=caller
    ) as answer:
        assert answer.status == 201


async def test_a_search_takes_wildcards_literally(client: TestClient) -> None:
    async with client.get(USERS, params={"query": "%"}, headers=signed()) as answer:
        assert (await answer.json())["items"] == []


async def test_pages_follow_each_other_without_gaps(client: TestClient) -> None:
    for number in range(4):
        body = {"email": f"user{number}@example.com", "name": "Someone"}
        async with client.post(USERS, json=body, headers=signed()) as answer:
            assert answer.status == 201
    seen: list[str] = []
    params = {"limit": "2"}
    while True:
        async with client.get(USERS, params=params, headers=signed()) as answer:
            page = await answer.json()
        seen += [user["email"].partition("@")[0] for user in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == ["user3", "user2", "user1", "user0", "admin"]


async def test_a_token_is_verified_by_the_published_keys(client: TestClient) -> None:
    credentials = {"email": "admin@example.com", "password": "correct horse"}
    async with client.post("/api/auth/login", json=credentials) as answer:
        signed_in = await answer.json()
    async with client.get("/.well-known/jwks.json") as answer:
        keys = KeySet.import_key_set(await answer.json())

    token = jwt.decode(signed_in["access_token"], keys, algorithms=["Ed25519"])

    assert token.header["typ"] == "at+jwt"
    assert token.claims["sub"] == signed_in["user"]["id"]
    assert token.claims["exp"] - token.claims["iat"] == signed_in["expires_in"] == 28_800


async def test_wrong_credentials_are_refused(client: TestClient) -> None:
    credentials = {"email": "admin@example.com", "password": "wrong"}
    async with client.post("/api/auth/login", json=credentials) as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, "invalid_credentials")
