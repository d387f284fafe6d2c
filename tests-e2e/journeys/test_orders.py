"""An administrator's orders, over the whole product: again, stop, delete."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import uuid4

from harness.client import Client, Json
from harness.clips import make_clip
from harness.product import Product
from harness.waiting import eventually


async def upload_and_wait(client: Client, clip: Path) -> Json:
    """A converted asset."""
    created = await client.upload(clip)
    return await client.completed(created["id"])


async def new_user(client: Client) -> Json:
    """Somebody who can be given assets."""
    return await client.create_user(f"{uuid4().hex[:8]}@example.com")


async def test_what_was_just_assigned_cannot_be_deleted_and_what_was_just_deleted_not_assigned(
    product: Product, clip: Path
) -> None:
    client = product.client
    asset, user = await upload_and_wait(client, clip), await new_user(client)
    path = f"/api/admin/assets/{asset['id']}"
    await client.post(f"{path}/assign", {"user_id": user["id"]}, expect=201)

    problem = await client.call("DELETE", path, expect=409)
    assert (problem["code"], problem["instance"]) == ("asset_assigned", path)

    await client.post(f"{path}/undo-assign", expect=200)
    await client.call("DELETE", path, expect=204)
    await client.post(f"{path}/assign", {"user_id": user["id"]}, expect=404)
    await client.get(path, expect=404)
    deleted = await client.get(path, deleted="true")
    assert deleted["deleted_at"]
    assert (await client.fetch(deleted["gif_url"]))[0] == 200, "files are kept"
    await client.call("DELETE", path, expect=404)

    async def recorded() -> None:
        page = await client.get("/api/admin/audit", asset_id=asset["id"], action="asset_deleted")
        [entry] = page["items"]
        assert entry["performed_by"] == asset["created_by"]

    await eventually(recorded, within=5)


async def test_the_same_bytes_once_more_take_no_second(product: Product, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "once.mp4", seconds=1.25)
    first = await upload_and_wait(product.client, clip)

    created = await product.client.upload(clip)
    began = time.monotonic()
    again = await product.client.completed(created["id"], within=10)
    took = time.monotonic() - began

    assert took < 1 + 0.3, "a second, and what asking adds"
    assert again["id"] != first["id"]
    assert created["id"] in again["webm_url"], "its own address, whoever has the same bytes"
    films = [await product.client.fetch(asset["webm_url"]) for asset in (first, again)]
    assert films[0][:2] == films[1][:2], "and the same bytes"


async def test_what_was_cancelled_can_be_converted_after_all(
    product: Product, tmp_path: Path
) -> None:
    client = product.client
    created = await client.upload(make_clip(tmp_path / "long.mp4", seconds=20, size="1280x720"))
    path = f"/api/admin/assets/{created['id']}"

    cancelled = await client.post(f"{path}/cancel-conversion", expect=202)
    assert (cancelled["conversion_status"], cancelled["conversion_error_code"]) == (
        "failed",
        "cancelled",
    )
    again = await client.post(f"{path}/retry-conversion", expect=202)
    assert again["conversion_status"] == "pending"
    await client.completed(created["id"])
    await client.post(f"{path}/retry-conversion", expect=409)

    async def recorded() -> None:
        page = await client.get("/api/admin/audit", asset_id=created["id"], order="asc")
        told = [(entry["action"], entry["performed_by"]) for entry in page["items"]]
        assert ("retried", created["created_by"]) in told

    await eventually(recorded, within=5)
