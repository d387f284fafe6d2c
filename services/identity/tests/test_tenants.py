"""Tenants, by the operator alone: created whole, and closed to everybody at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.identity import commands, http
from services.identity.tests.world import Loudspeaker, parts
from shared.bus.outbox import Outbox
from shared.contracts.context import Context
from shared.contracts.envelope import Envelope, unseal
from shared.contracts.event import Event
from shared.contracts.identity import TenantChanged, TenantCreated, UserCreated
from shared.db import Database
from shared.testing.callers import SEAL, signed
from shared.testing.fixtures import OpenDatabases
from shared.web.application import application

TENANTS = "/api/admin/tenants"
PASSWORD = "correct horse"
NEW = {
    "slug": "acme",
    "name": "Acme",
    "admin": {"email": "ada@acme.example", "name": "Ada", "password": PASSWORD},
}


@dataclass
class World:
    """Identity with the operator's tenant, and what it tells."""

    client: TestClient
    database: Database
    bus: Loudspeaker

    async def call(self, method: str, path: str, expect: int, **more: Any) -> Any:
        more.setdefault("headers", signed())
        async with self.client.request(method, path, **more) as answer:
            body = await answer.json()
            assert answer.status == expect, body
            return body

    async def log_in(self, expect: int = 200) -> Any:
        credentials = {"email": "ada@acme.example", "password": PASSWORD}
        return await self.call("POST", "/api/auth/login", expect, json=credentials, headers={})

    async def told(self) -> list[Envelope[Event]]:
        return [unseal(message) for message in await Outbox("identity", self.database).batch(100)]


@pytest.fixture
async def world(databases: OpenDatabases) -> AsyncIterator[World]:
    database, bus = (await databases("identity"))["identity"], Loudspeaker()
    await commands.create_first_administrator(database, "admin@example.com", PASSWORD)
    app = application("identity", [http.routes.given(parts(database, bus))], seal=SEAL)
    async with TestClient(TestServer(app)) as client:
        yield World(client, database, bus)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
async def test_only_the_operator_s_administrators_may(world: World, method: str) -> None:
    path = f"{TENANTS}/nobody" if method == "PATCH" else TENANTS
    await world.call(method, path, 401, headers={}, json={})
    for headers in (signed("user"), signed("admin", tenant="acme")):
        problem = await world.call(method, path, 403, headers=headers, json={})
        assert problem["code"] == "forbidden"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"slug": "Acme Inc."}, "#/slug"),
        ({"slug": "*"}, "#/slug"),
        ({"slug": "a" * 64}, "#/slug"),
        ({"name": " "}, "#/name"),
        ({"admin": {"email": "ada", "name": "Ada"}}, "#/admin/email"),
        ({"admin": None}, "#/admin"),
    ],
)
async def test_bad_input_is_pointed_at(world: World, change: Any, pointer: str) -> None:
    problem = await world.call("POST", TENANTS, 400, json=NEW | change)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_a_new_tenant_has_an_administrator_who_signs_in(world: World) -> None:
    async with world.client.post(TENANTS, json=NEW, headers=signed()) as answer:
        created = await answer.json()
        assert (answer.status, answer.headers["Location"]) == (201, f"{TENANTS}/acme")
    admin = created.pop("admin")
    assert created.pop("admin_password") is None
    assert created == await world.call("GET", f"{TENANTS}/acme", 200)
    assert set(created) == {"id", "name", "disabled", "created_at"}

    assert (await world.log_in())["user"] == admin
    assert admin["role"] == "admin"
    own = signed(tenant="acme")
    assert (await world.call("GET", "/api/admin/users", 200, headers=own))["items"] == [admin]
    others = (await world.call("GET", "/api/admin/users", 200))["items"]
    assert [user["email"] for user in others] == ["admin@example.com"]


async def test_a_password_that_nobody_gave_is_shown_once(world: World) -> None:
    admin = {"email": "ada@acme.example", "name": "Ada"}
    once = signed() | {"Idempotency-Key": "acme"}
    created = await world.call("POST", TENANTS, 201, json=NEW | {"admin": admin}, headers=once)
    again = await world.call("POST", TENANTS, 201, json=NEW | {"admin": admin}, headers=once)
    assert again == created
    credentials = {"email": admin["email"], "password": created["admin_password"]}
    await world.call("POST", "/api/auth/login", 200, json=credentials, headers={})
    assert "admin_password" not in await world.call("GET", f"{TENANTS}/acme", 200)


async def test_its_creation_is_told_to_the_operator_and_first_of_all_to_itself(
    world: World,
) -> None:
    await world.call("POST", TENANTS, 201, json=NEW)
    facts = [fact for fact in await world.told() if fact.context.actor.kind == "user"]
    assert [(fact.context.tenant, type(fact.event)) for fact in facts] == [
        ("default", TenantCreated),
        ("acme", TenantCreated),
        ("acme", UserCreated),
    ]


async def test_what_is_taken_conflicts_and_leaves_nothing(world: World) -> None:
    await world.call("POST", TENANTS, 201, json=NEW)
    twin = NEW | {"admin": {"email": "other@acme.example", "name": "Other"}}
    assert (await world.call("POST", TENANTS, 409, json=twin))["code"] == "tenant_exists"
    address = NEW | {"slug": "other", "admin": {"email": "ADMIN@example.com", "name": "Ada"}}
    assert (await world.call("POST", TENANTS, 409, json=address))["code"] == "email_taken"
    await world.call("GET", f"{TENANTS}/other", 404)


async def test_who_is_not_there_cannot_be_shown_or_changed(world: World) -> None:
    for method, more in (("GET", {}), ("PATCH", {"json": {"name": "Other"}})):
        problem = await world.call(method, f"{TENANTS}/nobody", 404, **more)
        assert problem["code"] == "tenant_not_found"
        await world.call(method, f"{TENANTS}/No%20Slug", 400, **more)


async def test_pages_follow_each_other_without_gaps(world: World) -> None:
    for number in range(4):
        admin = {"email": f"admin{number}@example.com", "name": "Ada", "password": PASSWORD}
        body = {"slug": f"t{number}", "name": f"Number {number}", "admin": admin}
        await world.call("POST", TENANTS, 201, json=body)
    seen, params = [], {"limit": "2"}
    while True:
        page = await world.call("GET", TENANTS, 200, params=params)
        seen += [tenant["id"] for tenant in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == ["t3", "t2", "t1", "t0", "default"]
    found = await world.call("GET", TENANTS, 200, params={"query": "NUMBER 2"})
    assert [tenant["id"] for tenant in found["items"]] == ["t2"]
    await world.call("GET", TENANTS, 400, params={"cursor": "nonsense"})


async def test_the_people_and_programs_of_a_disabled_tenant_are_out(world: World) -> None:
    await world.call("POST", TENANTS, 201, json=NEW)
    await world.log_in()
    own = signed(tenant="acme")
    key = await world.call("POST", "/api/admin/api-keys", 201, json={"name": "K"}, headers=own)
    strange = await world.call("POST", "/api/admin/api-keys", 201, json={"name": "K"})

    async def redeemed(each: Any) -> bool:
        body = {"secret": each["key"]}
        answer = await world.call("POST", "/internal/api-keys/redeem", 200, json=body)
        return answer["grant"] is not None

    closed = await world.call("PATCH", f"{TENANTS}/acme", 200, json={"disabled": True})
    assert closed["disabled"] is True
    assert len(world.bus.revoked) == 2
    assert UUID(key["id"]) in world.bus.revoked
    assert (await redeemed(key), await redeemed(strange)) == (False, True)
    assert (await world.log_in(401))["code"] == "invalid_credentials"

    await world.call("PATCH", f"{TENANTS}/acme", 200, json={"disabled": True})  # changes nothing
    await world.call("PATCH", f"{TENANTS}/acme", 200, json={"disabled": False})
    assert await redeemed(key)
    await world.log_in()
    changes = [fact for fact in await world.told() if isinstance(fact.event, TenantChanged)]
    assert [fact.event.model_dump()["disabled"] for fact in changes] == [True, False]
    assert {fact.context.tenant for fact in changes} == {"default"}


async def test_the_operator_s_tenant_stays_open(world: World) -> None:
    problem = await world.call("PATCH", f"{TENANTS}/default", 409, json={"disabled": True})
    assert problem["code"] == "operator_tenant"
    renamed = await world.call("PATCH", f"{TENANTS}/default", 200, json={"name": "House"})
    assert (renamed["name"], renamed["disabled"]) == ("House", False)


async def test_a_transaction_within_another_tenant_comes_back(world: World) -> None:
    async with world.database.transaction(Context("default")) as tx:
        async with tx.within("acme"):
            assert tx.context.tenant == "acme"
        assert tx.context.tenant == "default"
        row = await tx.connection.fetchval("select current_setting('app.tenant')")
    assert row == "default"
