"""Signing in and out for real: what ends, ends everywhere within a second."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from harness.client import Client
from harness.product import EMAIL, PASSWORD, Product
from services.identity import vault

USERS = "/api/admin/users"


@pytest.fixture(params=["gateway", "notifier"])
def door(request: pytest.FixtureRequest, product: Product) -> str:
    """Where a WebSocket may lead: to the gateway, or straight to the notifier."""
    return product.runtime.peers[request.param]


async def _somebody(product: Product, role: str = "admin") -> tuple[Client, Any]:
    email = f"{uuid4().hex}@example.com"
    user = await product.client.create_user(email, role=role, password=PASSWORD)
    client = Client(product.client.url, product.client.session)
    await client.log_in(email, PASSWORD)
    return client, user


@pytest.mark.parametrize("how", ["logout", "disabled", "role", "key"])
async def test_what_is_revoked_ends_at_once(product: Product, door: str, how: str) -> None:
    client, user = await _somebody(product)
    client.sockets = door
    if how == "key":
        body = {"name": "Import", "role": "admin"}
        key = await product.client.post("/api/admin/api-keys", body, expect=201)
        client.token = key["key"]
    await client.get(USERS)
    one = f"{USERS}/{user['id']}"
    async with client.socket("operations") as socket:
        if how == "logout":
            await client.post("/api/auth/logout", expect=204)
        elif how == "key":
            await product.client.call("DELETE", f"/api/admin/api-keys/{key['id']}", expect=204)
        else:
            change = {"disabled": {"disabled": True}, "role": {"role": "user"}}[how]
            await product.client.call("PATCH", one, expect=200, json=change)
        assert await socket.ended(within=1) == 4001
    problem = await client.get(USERS, expect=401)
    assert problem["code"] == "invalid_token"


async def test_a_revocation_nobody_tells_of_is_found_out(product: Product) -> None:
    client, user = await _somebody(product)
    async with client.socket("operations") as socket:
        async with product.runtime.database("identity").system_transaction() as tx:
            assert len(await vault.end_sessions(tx, UUID(user["id"]))) == 1
        assert await socket.ended(within=10) == 4001
    await client.get(USERS, expect=401)


async def test_a_browser_signs_in_acts_and_leaves(product: Product) -> None:
    url, own = product.client.url, {"Origin": product.client.url}
    jar = aiohttp.CookieJar(unsafe=True)  # takes cookies of addresses too
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        credentials = {"email": EMAIL, "password": PASSWORD}
        async with browser.post(url + "/api/auth/login", json=credentials, headers=own) as answer:
            assert answer.status == 200
        async with browser.get(url + "/api/auth/session") as answer:
            session = await answer.json()
        assert session["user"]["email"] == EMAIL
        new = {"email": f"{uuid4().hex}@example.com", "name": "Mia"}
        async with browser.post(url + USERS, json=new, headers=own) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "csrf_token_missing")
        token = own | {"X-CSRF-Token": session["csrf_token"]}
        async with browser.post(url + USERS, json=new, headers=token) as answer:
            assert answer.status == 201
        for door in (url, product.runtime.peers["notifier"]):
            async with browser.ws_connect(door + "/ws", origin=door) as ws:
                assert (await ws.receive_json(timeout=5))["type"] == "hello"
        async with browser.post(url + "/api/auth/logout", headers=token) as answer:
            assert answer.status == 204
        assert not list(jar)
        async with browser.get(url + "/api/auth/session") as answer:
            assert await answer.json() == {"user": None, "csrf_token": None}


async def test_a_ticket_opens_one_socket_and_no_other(product: Product, door: str) -> None:
    client, _ = await _somebody(product, role="user")
    ticket = (await client.post("/api/auth/ws-ticket", expect=201))["ticket"]
    where = f"{door}/ws?ticket="
    async with client.session.ws_connect(where + ticket) as ws:
        assert (await ws.receive_json(timeout=5))["type"] == "hello"
    for spent in (ticket, "forged"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(where + spent)
        assert refused.value.status == 401


async def test_an_api_key_is_written_down_as_the_one_who_acted(product: Product) -> None:
    body = {"name": "Import", "role": "admin"}
    key = await product.client.post("/api/admin/api-keys", body, expect=201)
    robot = Client(product.client.url, product.client.session, key["key"])
    user = await robot.create_user(f"{uuid4().hex}@example.com")
    await robot.call("PATCH", f"{USERS}/{user['id']}", expect=200, json={"name": "Robin"})

    async with asyncio.timeout(5):
        while True:
            told = await product.client.get("/api/admin/audit", limit=500)
            mine = [each for each in told["items"] if each["performed_by"] == key["id"]]
            if len(mine) == 2:
                break
            await asyncio.sleep(0.05)
    assert {each["action"] for each in mine} == {"user_created", "user_changed"}
    assert any(
        each["action"] == "api_key_created" and each["metadata"]["key_id"] == key["id"]
        for each in told["items"]
    )
