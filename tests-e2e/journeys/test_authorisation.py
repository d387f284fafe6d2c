"""Every documented route, asked by everybody: nobody gets further than they may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from harness.client import Client
from harness.product import PASSWORD, Product

LOGOUT = "/api/auth/logout"


@dataclass(frozen=True)
class Operation:
    """A route of the API document."""

    method: str
    path: str
    access: str
    example: Any
    required: tuple[str, ...]

    def at(self, ids: dict[str, str]) -> str:
        """Its address with real ids where there are any, else ids that nothing has."""
        kind = next((kind for kind in ids if f"/{kind}/{{" in self.path), None)
        path = re.sub(r"{\w+}", ids.get(kind or "", str(uuid4())), self.path)
        return (
            path + ("?" if self.required else "") + "&".join(f"{each}=x" for each in self.required)
        )


async def _operations(client: Client) -> list[Operation]:
    document = await client.get("/openapi.json")
    found = [
        Operation(
            method.upper(),
            path,
            operation.get("x-access", "public"),
            _example(operation),
            _required(operation),
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "patch", "put", "delete")
        and not path.startswith("/media/")  # a signature opens it, to whoever has it
    ]
    return sorted(found, key=lambda each: each.path == LOGOUT)  # it ends the session it is sent by


def _required(operation: Any) -> tuple[str, ...]:
    """What the query must name; text, all of it."""
    parameters = operation.get("parameters", ())
    return tuple(p["name"] for p in parameters if p["in"] == "query" and p.get("required"))


def _example(operation: Any) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")


TUS = {
    "Tus-Resumable": "1.0.0",
    "Upload-Length": "1",
    "Upload-Offset": "0",
    "Content-Type": "application/offset+octet-stream",
    "X-HTTP-Method-Override": "PATCH",
}
"""Without these, uploads answer nobody."""


async def _status(client: Client, operation: Operation, path: str, *, body: bool) -> int:
    more = {"json": operation.example} if body and operation.example is not None else {}
    headers = client.headers() | (TUS if "/uploads" in path else {})
    async with client.session.request(
        operation.method, client.url + path, headers=headers, **more
    ) as answer:
        await answer.read()
        return answer.status


def _of(operations: list[Operation], *access: str) -> Iterator[Operation]:
    return (each for each in operations if each.access in access)


async def _signed_in(product: Product, role: str) -> Client:
    email = f"{uuid4().hex}@example.com"
    await product.client.create_user(email, role=role, password=PASSWORD)
    client = Client(product.client.url, product.client.session)
    await client.log_in(email, PASSWORD)
    return client


@pytest.fixture
async def elsewhere(product: Product) -> Client:
    """An administrator of another tenant."""
    email = f"{uuid4().hex}@example.com"
    admin = {"email": email, "name": "Somebody else", "password": PASSWORD}
    tenant = {"slug": f"tenant-{uuid4().hex}", "name": "Elsewhere", "admin": admin}
    await product.client.post("/api/admin/tenants", tenant, expect=201)
    client = Client(product.client.url, product.client.session)
    await client.log_in(email, PASSWORD)
    return client


async def test_the_anonymous_get_what_is_public(product: Product) -> None:
    nobody = Client(product.client.url, product.client.session)
    operations = await _operations(nobody)
    assert len(list(_of(operations, "admin"))) > 10
    for each in operations:
        status = await _status(nobody, each, each.at({}), body=False)
        assert (status == 401) == (each.access != "public"), (each, status)


async def test_users_get_nothing_of_administrators(product: Product) -> None:
    user = await _signed_in(product, "user")
    for each in await _operations(user):
        for body in (False, True):
            if (each.path, body) == (LOGOUT, True):
                continue
            status = await _status(user, each, each.at({}), body=body)
            assert (status == 403) == (each.access in ("admin", "operator")), (each, status)


async def test_administrators_are_refused_nothing_for_their_role(product: Product) -> None:
    admin = await _signed_in(product, "admin")
    for each in await _operations(admin):
        status = await _status(admin, each, each.at({}), body=False)
        assert status not in (401, 403), (each, status)
        assert status < 500, (each, status)


async def test_what_another_tenant_has_is_not_there(
    product: Product, elsewhere: Client, clip: Path
) -> None:
    client = product.client
    asset = await client.upload(clip)
    await client.completed(asset["id"])
    user = await client.create_user(f"{uuid4().hex}@example.com")
    key = await client.post("/api/admin/api-keys", {"name": "Import"}, expect=201)
    await client.post(
        f"/api/admin/assets/{asset['id']}/assign", {"user_id": user["id"]}, expect=201
    )
    ids = {"assets": asset["id"], "users": user["id"], "api-keys": key["id"]}

    for each in _of(await _operations(elsewhere), "admin"):
        if "{" in each.path:
            status = await _status(elsewhere, each, each.at(ids), body=True)
            assert status == 404, (each, status)
        elif each.method == "GET":
            text = await _text(elsewhere, each.path)
            assert not [ident for ident in ids.values() if ident in text], each

    assert (await client.get(f"/api/admin/users/{user['id']}"))["name"] == user["name"]
    assert (await client.asset(asset["id"]))["user_id"] == user["id"]
    keys = await client.get("/api/admin/api-keys", limit=500)
    assert key["id"] in [each["id"] for each in keys["items"]]


async def _text(client: Client, path: str) -> str:
    async with client.session.get(client.url + path, headers=client.headers()) as answer:
        assert answer.status in (200, 400), path
        return await answer.text()
