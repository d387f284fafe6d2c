"""What was deleted comes back: for people, for undo and revert, on the socket and in the trail."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from harness.client import Client, Json
from harness.product import Product
from harness.waiting import eventually

ASSETS = "/api/admin/assets"


async def _assign(client: Client, asset: Json, user: Json) -> Json:
    body = {"user_id": user["id"]}
    return await client.post(f"{ASSETS}/{asset['id']}/assign", body, expect=201)


async def test_a_deleted_asset_is_restored_and_reverts_bring_it_back(
    product: Product, clip: Path
) -> None:
    client = product.client
    first, second = [await client.upload(clip) for _ in range(2)]
    for asset in (first, second):
        await client.completed(asset["id"])
    users = [await client.create_user(f"{uuid4().hex}@example.com") for _ in range(2)]
    given = []
    for user in users:
        await _assign(client, first, user)
        given.append(await _assign(client, second, user))

    async def deleted() -> None:
        async with client.session.delete(
            f"{client.url}{ASSETS}/{first['id']}", headers=client.headers()
        ) as answer:
            assert answer.status == 204

    await eventually(deleted, within=5)
    undone = await client.post(
        f"{ASSETS}/{second['id']}/undo-assign",
        {"assignment_id": given[0]["id"]},
        expect=200,
    )
    assert undone["restored"] == [
        {"user_id": users[0]["id"], "asset_id": None, "reason": "asset_not_found"}
    ]
    current = await client.get(f"/api/admin/users/{users[0]['id']}/assignment")
    assert current == {"assignment": None}

    async with client.socket(f"asset:{first['id']}") as socket:
        restored = await client.post(f"{ASSETS}/{first['id']}/restore", expect=200)
        assert restored["deleted_at"] is None
        await socket.event("converter.asset.restored", asset_id=first["id"], within=10)
    assert (await client.asset(first["id"]))["webm_url"]
    await client.post(f"{ASSETS}/{first['id']}/restore", expect=200)

    await product.pass_window()
    reverted = await client.post(
        f"/api/admin/users/{users[1]['id']}/revert-assignment",
        {"assignment_id": given[1]["id"], "reason": "it is there again"},
        expect=200,
    )
    assert reverted["assignment"]["asset_id"] == first["id"]
    await _assign(client, first, users[0])

    async def written_down() -> None:
        told = await client.get("/api/admin/audit", asset_id=first["id"], limit=500)
        actions = [entry["action"] for entry in told["items"]]
        assert actions.count("asset_deleted") == actions.count("asset_restored") == 1

    await eventually(written_down, within=10)
