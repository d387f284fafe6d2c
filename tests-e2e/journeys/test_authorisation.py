"""Every documented route, asked by everybody: nobody gets further than they may."""

from __future__ import annotations

from uuid import uuid4

import pytest

from harness.client import Client
from harness.product import PASSWORD, Product
from harness.routes import Operation, asked, operations

LOGOUT = "/api/auth/logout"
INTERNAL = ("/internal/credentials/live", "/internal/api-keys/redeem", "/internal/resync")

REFUSED: dict[str, dict[str, int]] = {
    "public": {},
    "user": {"anonymous": 401},
    "admin": {"anonymous": 401, "user": 403, "key of a user": 403},
    "operator": {"anonymous": 401, "user": 403, "key of a user": 403, "admin elsewhere": 403},
}
"""By whom a route may be asked, and the status with which others are refused."""

ACTORS = ("anonymous", "user", "key of a user", "admin elsewhere", "admin", "key of an admin")
DENIALS = ("unauthenticated", "invalid_token", "forbidden")

WITHOUT_A_LOGIN = {
    "/.well-known/audit-key",
    "/.well-known/jwks.json",
    "/api/admin/uploads",  # OPTIONS: what uploads can do
    "/api/admin/uploads/{upload_id}",
    "/api/auth/login",
    "/api/auth/session",
    "/asyncapi.json",
    "/docs",
    "/livez",
    "/media/{path}",  # a signature opens it
    "/metrics",
    "/openapi.json",
    "/problems/{code}",
    "/readyz",
}
FOR_WHOEVER_IS_SIGNED_IN = {LOGOUT, "/api/auth/ws-ticket", "/api/me/assignment", "/ws"}


async def _actor(product: Product, who: str) -> Client:
    """Somebody of the operator's tenant, unless they are from elsewhere."""
    client = Client(product.client.url, product.client.session)
    email = f"{uuid4().hex}@example.com"
    match who.split():
        case ["key", *_, role]:
            body = {"name": "Robot", "role": role}
            key = await product.client.post("/api/admin/api-keys", body, expect=201)
            client.token = key["key"]
        case ["user" | "admin" as role]:
            await product.client.create_user(email, role=role, password=PASSWORD)
            await client.log_in(email, PASSWORD)
        case ["admin", "elsewhere"]:
            admin = {"email": email, "name": "Somebody else", "password": PASSWORD}
            tenant = {"slug": f"tenant-{uuid4().hex}", "name": "Elsewhere", "admin": admin}
            await product.client.post("/api/admin/tenants", tenant, expect=201)
            await client.log_in(email, PASSWORD)
    return client


def _in_order(found: list[Operation]) -> list[Operation]:
    return sorted(found, key=lambda each: each.path == LOGOUT)  # it ends the session it is sent by


async def test_only_what_was_meant_to_be_needs_no_administrator(product: Product) -> None:
    """A route that says by mistake that everybody may ask it would pass all that follows."""
    found = await operations(product.client)
    assert {each.path for each in found if each.access == "public"} == WITHOUT_A_LOGIN
    assert {each.path for each in found if each.access == "user"} == FOR_WHOEVER_IS_SIGNED_IN
    opened = [each for each in found if each.path in WITHOUT_A_LOGIN and "/api/admin" in each.path]
    assert {each.method for each in opened if each.access == "public"} == {"OPTIONS"}


@pytest.mark.parametrize("who", ACTORS)
async def test_nobody_gets_further_than_they_may(product: Product, who: str) -> None:
    client = await _actor(product, who)
    found = _in_order(await operations(client))
    assert {each.access for each in found} == set(REFUSED)
    bodies = (False,) if who.endswith("admin") else (True, False)  # those would do things to others
    for with_body in bodies:
        for each in found if with_body is bodies[-1] else found[:-1]:
            body = each.example if with_body else None
            status, answer = await asked(client, each, each.at(), body=body)
            refused = REFUSED[each.access].get(who)
            denied = status >= 400 and any(f'"code":"{code}"' in answer for code in DENIALS)
            if each.method == "HEAD":  # says nothing but a status
                denied = status in (401, 403) and each.path != "/media/{path}"
            assert denied == (refused is not None), f"{who}: {each}: {status} {answer}"
            assert status == (refused or status), f"{who}: {each}: {status}"
            assert status < 500, f"{who}: {each}: {status} {answer}"


@pytest.mark.parametrize("who", ["anonymous", "admin"])
async def test_what_services_tell_each_other_is_told_to_nobody(product: Product, who: str) -> None:
    client = await _actor(product, who)
    for path in INTERNAL:
        assert (await client.post(path, {}, expect=404))["code"] == "not_found"


@pytest.mark.parametrize("header", ["X-Actor", "x-actor"])
async def test_nobody_vouches_for_themselves(product: Product, header: str) -> None:
    """What the gateway tells services of a caller cannot be brought along."""
    vouched = {header: "eyJ0ZW5hbnQiOiJkZWZhdWx0Iiwicm9sZSI6ImFkbWluIn0=.c2lnbmF0dXJl"}
    client = await _actor(product, "anonymous")
    await client.call("GET", "/api/admin/users", expect=401, headers=vouched)
    user = await _actor(product, "user")
    await user.call("GET", "/api/admin/users", expect=403, headers=vouched)
