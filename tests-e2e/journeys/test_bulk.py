"""Many users at once, through the gateway, to the trail and to who is listening."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from harness.client import Client, Json
from harness.product import Product
from harness.waiting import eventually

BULK = "/api/admin/assets/bulk-assign"


async def test_a_bulk_is_assigned_undone_and_told_of(product: Product, clip: Path) -> None:
    client = product.client
    names = (f"bulk-{number}-{uuid4().hex[:8]}@example.com" for number in range(3))
    users = [(await client.create_user(name))["id"] for name in names]
    asset = await client.upload(clip, title="Aurora")
    await eventually(lambda: _completed(client, asset["id"]), within=60)

    async with client.socket(f"user:{users[2]}", "operations") as socket:
        body = {"asset_id": asset["id"], "user_ids": users}
        done = await client.post(BULK, body, expect=201)
        assert (done["successful_count"], done["failures"]) == (3, [])
        ids = {"operation_id": done["operation_id"]}
        await socket.event("assignment.asset.assigned", user_id=users[2], **ids)
        await socket.event("assignment.operation.completed", user_count=3, **ids)
        await client.post(f"/api/admin/operations/{ids['operation_id']}/undo", expect=200)
        await socket.event("assignment.asset.unassigned", user_id=users[2])
        await socket.event("assignment.operation.undone", user_count=3, **ids)

    refused = await client.post(BULK, body | {"user_ids": [*users, str(uuid4())]}, expect=400)
    assert (refused["code"], refused["failed_count"]) == ("bulk_refused", 1)
    await eventually(lambda: _told(client, asset["id"], users[0]), within=10)


async def _completed(client: Client, asset_id: str) -> None:
    assert (await client.asset(asset_id))["conversion_status"] == "completed"


async def _told(client: Client, asset_id: str, user_id: str) -> None:
    """A line for each operation in the trail, and a line for each in the user's history."""
    trail = await client.get(f"/api/admin/audit?asset_id={asset_id}")
    wanted = {"bulk_assigned", "undone", "bulk_attempt_failed"}
    lines: list[Json] = [item for item in trail["items"] if item["action"] in wanted]
    assert [line["action"] for line in lines] == ["bulk_assigned", "undone", "bulk_attempt_failed"]
    assert {line["user_id"] for line in lines} == {None}
    page = await client.get(f"/api/admin/users/{user_id}/assignment-history")
    assert [entry["action"] for entry in page["history"]] == ["undone", "bulk_assigned"]
