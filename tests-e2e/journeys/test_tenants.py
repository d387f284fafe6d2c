"""Two tenants on one installation: each works at once, and neither sees anything of the other."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from harness.client import Client, Json
from harness.product import PASSWORD, Product
from harness.routes import Operation, asked, operations
from harness.waiting import eventually
from shared.contracts.context import Context

TENANTS = "/api/admin/tenants"
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CATALOGUE = {"problems": "forbidden"}
"""What is everybody's."""


@dataclass
class Tenant:
    """A tenant with its administrator; whatever can be named is named after ``mark``."""

    id: str
    mark: str
    client: Client
    admin: Json
    ids: dict[str, str]
    """An id of each kind, by the part of a path that comes before it."""

    def filters(self) -> dict[str, str]:
        """Values for the ids that queries take."""
        known = {"user_id": "users", "asset_id": "assets"}
        return {name: self.ids[kind] for name, kind in known.items()} | {
            "performed_by": self.admin["id"]
        }

    def at(self, route: Operation) -> str:
        """A route's address with ids of this tenant. Fails for a kind that it has not."""
        ids = ELSEWHERE | self.ids
        assert set(route.kinds) <= set(ids), f"{route}: furnish a tenant with one of them"
        return route.at(ids)


async def _tenant(product: Product) -> Tenant:
    mark = uuid4().hex
    admin = {"email": f"admin-{mark}@example.com", "name": f"Admin {mark}", "password": PASSWORD}
    body = {"slug": f"t-{mark}", "name": f"Tenant {mark}", "admin": admin}
    created = await product.client.post(TENANTS, body, expect=201)
    client = Client(product.client.url, product.client.session)
    await client.log_in(admin["email"], PASSWORD)
    return Tenant(
        created["id"], mark, client, created["admin"], CATALOGUE | {"tenants": created["id"]}
    )


ELSEWHERE = {"parked": "7" * 32, "archives": str(UUID(int=7))}
"""What a tenant is not furnished with here: it takes a fault, or a year; theirs are asked for in
the tests of those routes."""


def furnished(route: Operation) -> bool:
    """Whether tenants here have what it asks for."""
    return not set(route.kinds) & set(ELSEWHERE)


async def _furnish(tenant: Tenant, clip: Path) -> None:
    """Let it have one of everything that has an id."""
    client, mark = tenant.client, tenant.mark
    asset = await client.upload(clip, title=f"Film {mark}")
    await client.completed(asset["id"])
    user = await client.create_user(f"user-{mark}@example.com")
    given = await client.post(
        f"/api/admin/assets/{asset['id']}/assign", {"user_id": user["id"]}, expect=201
    )
    key = await client.post("/api/admin/api-keys", {"name": f"Key {mark}"}, expect=201)
    hold = await client.post(
        "/api/admin/audit/holds", {"reason": f"Case {mark}", "user_id": user["id"]}, expect=201
    )
    async with client.session.post(
        f"{client.url}/api/admin/uploads",
        headers=client.headers() | {"Tus-Resumable": "1.0.0", "Upload-Length": "9"},
    ) as answer:
        assert answer.status == 201, await answer.text()
        upload = answer.headers["Location"].rpartition("/")[2]
    tenant.ids |= {
        "assets": asset["id"],
        "users": user["id"],
        "api-keys": key["id"],
        "holds": hold["id"],
        "operations": given["operation_id"],
        "uploads": upload,
    }

    async def written_down() -> None:
        told = await client.get("/api/admin/audit", limit=500)
        assert "assigned" in [entry["action"] for entry in told["items"]]

    await eventually(written_down, within=10)


@pytest.fixture(scope="module")
async def two(product: Product, clip: Path) -> tuple[Tenant, Tenant]:
    """Two tenants that have one of everything."""
    tenants = await _tenant(product), await _tenant(product)
    for tenant in tenants:
        await _furnish(tenant, clip)
    return tenants


async def _reads(client: Client) -> list[Operation]:
    return [
        each
        for each in await operations(client)
        if each.method == "GET" and not each.path.startswith("/media/")  # a signature opens it
    ]


async def test_nothing_of_one_tenant_is_visible_to_another(two: tuple[Tenant, Tenant]) -> None:
    """On no GET route, whatever ids are asked for; a new route is asked as soon as it is there."""
    for mine, theirs in (two, two[::-1]):
        seen = 0
        for route in await _reads(mine.client):
            for tenant, query in ((theirs, {}), (theirs, theirs.filters()), (mine, {})):
                wanted = {name: query[name] for name in route.parameters if name in query}
                status, text = await asked(mine.client, route, tenant.at(route), **wanted)
                if route.access == "operator":
                    assert status == 403, f"{route} {status} {text}"
                elif not furnished(route) or (
                    tenant is theirs and route.kinds and route.access != "public"
                ):
                    assert status == 404, f"{route} {status} {text}"
                else:
                    assert status in (200, 204, 400), f"{route} {status} {text}"
                    assert theirs.mark not in text, f"{route} {text}"
                    seen += mine.mark in text
        assert seen >= 4, "administrators see at least their own users, assets, keys and trail"


async def test_the_answers_to_two_tenants_have_no_id_in_common(
    product: Product, two: tuple[Tenant, Tenant]
) -> None:
    """But that of the operator who created both, and of the system."""
    operator = (await product.client.get("/api/auth/session"))["user"]["id"]
    shown = []
    for tenant in two:
        ids: set[str] = set()
        for route in await _reads(tenant.client):
            if route.access == "admin" and furnished(route):
                _, text = await asked(tenant.client, route, tenant.at(route))
                ids |= set(UUIDS.findall(text))
        assert set(UUIDS.findall(str(tenant.ids))) <= ids
        shown.append(ids)
    assert shown[0] & shown[1] <= {operator, str(UUID(int=0))}


MOVING = {"checkpoints"}
"""Tables in which rows appear by themselves."""


async def _rows(product: Product, tenant: Tenant) -> dict[str, list[str]]:
    """Every row of a tenant in every service, as text, by table."""
    rows: dict[str, list[str]] = {}
    for schema, database in product.runtime.databases.items():
        async with database.transaction(Context(tenant.id)) as tx:
            tables = await tx.connection.fetch(
                "select table_name as name from information_schema.columns"
                " where table_schema = $1 and column_name = 'tenant_id'",
                schema,
            )
            for name in {table["name"] for table in tables} - MOVING:
                found = await tx.connection.fetch(
                    f"select t::text as told from {schema}.{name} t where tenant_id = $1", tenant.id
                )
                rows[f"{schema}.{name}"] = sorted(row["told"] for row in found)
    return rows


async def _at_rest(product: Product, tenant: Tenant) -> dict[str, list[str]]:
    """The same, once nothing of what was done to it is on its way any more."""
    before: dict[str, list[str]] = {}

    async def unchanged() -> None:
        nonlocal before
        last, before = before, await _rows(product, tenant)
        assert last == before
        await asyncio.sleep(0.5)
        assert before == await _rows(product, tenant)

    await eventually(unchanged, within=30)
    return before


def _aimed(example: Any, ids: dict[str, str]) -> Any:
    """A body that names these ids wherever it names an id of that kind."""
    if isinstance(example, dict):
        kinds = {"user_id": "users", "asset_id": "assets", "operation_id": "operations"}
        kinds |= {f"{name}s": kind for name, kind in kinds.items()}
        return {
            name: ([ids[kind]] if name.endswith("s") else ids[kind])
            if (kind := kinds.get(name))
            else _aimed(value, ids)
            for name, value in example.items()
        }
    return example


async def test_nothing_of_one_tenant_is_changed_by_another(
    product: Product, two: tuple[Tenant, Tenant]
) -> None:
    """By no route: not if it names their ids in its path, nor in its query, nor in its body."""
    for mine, theirs in (two, two[::-1]):
        before = await _at_rest(product, theirs)
        for table in ("converter.admin_media_assets", "identity.users", "audit.legal_holds"):
            assert before[table], f"nothing in {table} that could change"
        tried = 0
        for each in await operations(mine.client):
            if each.method in ("GET", "HEAD", "OPTIONS") or each.access != "admin":
                continue
            if each.kinds:
                status, text = await asked(mine.client, each, theirs.at(each), body=each.example)
                assert status == 404, f"{each} {status} {text}"
                tried += 1
            aimed = _aimed(each.example, theirs.ids)
            if aimed != each.example:
                status, text = await asked(mine.client, each, mine.at(each), body=aimed)
                assert theirs.mark not in text, f"{each} {text}"
                assert status in (400, 404) or each.path == "/api/admin/audit/holds", (
                    f"{each} {status} {text}"  # a hold may name whom nobody knows yet
                )
                tried += 1
        assert tried > 20
        assert await _at_rest(product, theirs) == before


async def test_a_new_tenant_s_trail_begins_with_its_creation(two: tuple[Tenant, Tenant]) -> None:
    for tenant in two:
        trail = (await tenant.client.get("/api/admin/audit", limit=500, order="asc"))["items"]
        first = min(trail, key=lambda entry: entry["seq"])
        assert (first["seq"], first["action"]) == (1, "tenant_created")
        assert first["metadata"] == {"tenant": tenant.id}
        verified = await tenant.client.get("/api/admin/audit/verify")
        assert (verified["ok"], verified["entries"]) == (True, len(trail))


async def test_sockets_hear_their_own_tenant_alone(two: tuple[Tenant, Tenant]) -> None:
    mine, theirs = two
    async with mine.client.socket("assets", "operations", since=0) as socket:
        for tenant in (theirs, mine):
            await tenant.client.post(
                f"/api/admin/assets/{tenant.ids['assets']}/undo-assign", expect=200
            )
        await socket.event("assignment.operation.undone")
    assert not set(UUIDS.findall(str(socket.seen))) & set(theirs.ids.values())


async def test_everybody_of_a_disabled_tenant_is_out_at_once(product: Product) -> None:
    tenant, other = await _tenant(product), await _tenant(product)
    client = tenant.client
    body = {"name": "Import", "role": "admin"}
    key = (await client.post("/api/admin/api-keys", body, expect=201))["key"]
    robot = Client(client.url, client.session, key)
    users = "/api/admin/users"
    await robot.get(users)
    one = f"{TENANTS}/{tenant.id}"
    async with client.socket("operations") as socket, robot.socket("operations") as theirs:
        await product.client.call("PATCH", one, expect=200, json={"disabled": True})
        assert await socket.ended(within=5) == 4001
        assert await theirs.ended(within=5) == 4001
    for each in (client, robot):
        assert (await each.get(users, expect=401))["code"] == "invalid_token"
    credentials = {"email": tenant.admin["email"], "password": PASSWORD}
    await client.post("/api/auth/login", credentials, expect=401)
    await other.client.get(users)

    await product.client.call("PATCH", one, expect=200, json={"disabled": False})
    await client.log_in(tenant.admin["email"], PASSWORD)
    await client.get(users)
    await _told_to_the_operator(product.client, tenant.id)


async def _told_to_the_operator(operator: Client, tenant: str) -> None:
    async def told() -> None:
        found: list[Any] = []
        for action in ("tenant_created", "tenant_changed"):
            page = await operator.get("/api/admin/audit", limit=500, action=action)
            found += [e["action"] for e in page["items"] if e["metadata"]["tenant"] == tenant]
        assert found == ["tenant_created", "tenant_changed", "tenant_changed"]

    await eventually(told, within=10)
