"""Back up, destroy, restore: every asset, assignment and entry is back, and the trail holds."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from uuid import uuid4

import aiohttp

from harness.cli import Marquee
from harness.client import Client, Json
from harness.clips import make_clip
from harness.journey import verify
from harness.launch import launched, working_in
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD
from harness.waiting import eventually
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases
from shared.testing.s3 import S3

SECRETS = {
    "MARQUEE_SECRET_KEY": "a secret that only the tests know, of some length",
    "MARQUEE_AUDIT_SIGNING_KEY": "another secret that only the tests know, as long",
}


def alone(data_dir: Path) -> dict[str, str]:
    """The environment of a product with everything embedded."""
    return {**ADMINISTRATOR, **SECRETS, "MARQUEE_PORT": "0", "MARQUEE_DATA_DIR": str(data_dir)}


async def signed_in(url: str, http: aiohttp.ClientSession) -> Client:
    client = Client(url, http)
    await client.log_in(EMAIL, PASSWORD)
    return client


async def live(client: Client, clip: Path) -> None:
    """Leave something of everything: files, who has them now and had them, people, a key."""
    kept, deleted = [await client.upload(clip, title=title) for title in ("Aurora", "Gone")]
    users = [await client.create_user(f"{uuid4().hex}@example.com") for _ in range(3)]
    for asset in (kept, deleted):
        await client.completed(asset["id"])
    assign = f"/api/admin/assets/{kept['id']}/assign"
    for user in users[:2]:
        await client.post(assign, {"user_id": user["id"]}, expect=201)
    await client.post(f"/api/admin/assets/{kept['id']}/undo-assign", expect=200)
    await client.post(assign, {"user_id": users[2]["id"]}, expect=201)
    await client.call("DELETE", f"/api/admin/assets/{deleted['id']}", expect=204)

    async def told() -> None:
        trail = await client.get("/api/admin/audit", limit=500)
        actions = [entry["action"] for entry in trail["items"]]
        assert (actions.count("assigned"), actions.count("undone")) == (3, 1), actions
        assert actions.count("asset_deleted") == 1
        assert (await client.asset(kept["id"]))["user_id"] == users[2]["id"]

    await eventually(told, within=20)


async def everything(client: Client) -> Json:
    """All that a person can see; URLs without their signatures, files by their content."""
    assets = (await client.get("/api/admin/assets", limit=500))["items"]
    users = (await client.get("/api/admin/users", limit=500))["items"]
    seen: Json = {
        "users": users,
        "trail": (await client.get("/api/admin/audit", limit=500))["items"],
        "has": [await client.get(f"/api/admin/users/{each['id']}/assignment") for each in users],
        "files": [],
    }
    for asset in assets:
        for name in sorted(asset):
            if name.endswith("_url") and asset[name]:
                seen["files"].append((name, await client.fetch(asset[name])))
                asset[name] = "there"
    return {**_unsigned(seen), "assets": assets, "files": [f[1][:2] for f in seen["files"]]}


def _unsigned(seen: Json) -> Json:
    """Without what differs from one answer to the next."""
    return {name: _plain(value) for name, value in seen.items() if name != "files"}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name != "server_time"}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.partition("?")[0] if isinstance(value, str) else value


async def test_all_is_back_on_another_machine(
    tmp_path: Path, http: aiohttp.ClientSession, clip: Path
) -> None:
    """Backed up while it runs, and while people work and the trail is being signed."""
    marquee = Marquee("", tmp_path)
    before, after, backup = tmp_path / "before", tmp_path / "after", tmp_path / "backup"
    async with launched(log=tmp_path / "log", environment=alone(before)) as product:
        client = await signed_in(product.url, http)
        await live(client, clip)
        seen = await everything(client)
        busy = asyncio.create_task(_work_on(client))
        await eventually(partial(_signed, before), within=10)
        told = await marquee("backup", backup, **alone(before))
        busy.cancel()
        await product.kill()
    assert told.out.startswith("Backed up: ")
    await eventually(partial(_gone, before), within=5)
    shutil.rmtree(before)

    await marquee("restore", backup, **alone(after))

    async with launched(log=tmp_path / "log", environment=alone(after)) as product:
        client = await signed_in(product.url, http)
        await verify(client)
        again = await everything(client)
    assert again["files"] == seen["files"]
    assert again["assets"] == seen["assets"]
    count = len(seen["trail"])
    assert again["trail"][:count] == seen["trail"]
    people = {user["id"]: user for user in again["users"]}
    assert all(people[user["id"]] == user for user in seen["users"])
    assert all(has in again["has"] for has in seen["has"])


async def _gone(directory: Path) -> None:
    assert not working_in(directory)


async def _work_on(client: Client) -> None:
    while True:
        await client.create_user(f"{uuid4().hex}@example.com")
        await client.get("/api/admin/audit/verify")


async def _signed(data_dir: Path) -> None:
    kept = data_dir / "blobs/default/audit/checkpoints"
    assert len(list(kept.iterdir())) > 3


async def test_all_is_back_in_another_database_and_bucket(
    tmp_path: Path,
    http: aiohttp.ClientSession,
    databases: OpenDatabases,
    moto_s3: S3,
    rclone_s3: S3,
) -> None:
    clip = make_clip(tmp_path / "aurora.mp4")
    marquee, backup = Marquee("", tmp_path), tmp_path / "backup"
    before, after = await databases(), await databases()
    environment = outside(tmp_path, before, moto_s3)
    async with launched(log=tmp_path / "log", environment=environment) as product:
        client = await signed_in(product.url, http)
        await live(client, clip)
        seen = await everything(client)
    await marquee("backup", backup, **environment)
    environment = outside(tmp_path, after, rclone_s3)

    await marquee("restore", backup, **environment)

    async with launched(log=tmp_path / "log", environment=environment) as product:
        client = await signed_in(product.url, http)
        await verify(client)
        assert await everything(client) == seen
    told = await marquee("restore", backup, expect=1, **environment)
    assert "empty database only" in told.told


def outside(directory: Path, databases: Databases, store: S3) -> Mapping[str, str]:
    """The environment of a product with database and store elsewhere."""
    return {
        **alone(directory / "scratch"),
        "MARQUEE_DATABASE_URL": databases.dsn,
        "MARQUEE_DATABASE_ADMIN_URL": databases.admin_dsn,
        "MARQUEE_S3_ENDPOINT": store.endpoint,
        "MARQUEE_S3_BUCKET": store.bucket,
        "MARQUEE_S3_REGION": store.region,
        "MARQUEE_S3_ACCESS_KEY": store.access_key,
        "MARQUEE_S3_SECRET_KEY": store.secret_key,
    }
