"""Two versions side by side: nobody notices when each service is replaced, one by one.

The version before is what OLD names, as in ``OLD=v1.2.0 make upgrade``; without it, each process is
replaced by another of its own version, which must be as little noticed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from harness.client import Client, Json, Refused
from harness.clips import make_clip
from harness.fleet import fresh_parts
from harness.journey import assign_and_undo, check_renditions, convert, verify
from harness.launch import ROOT
from harness.product import EMAIL, PASSWORD
from harness.rolling import NAMES, previous, rolling
from harness.waiting import eventually
from shared.testing.brokers import Broker
from shared.testing.databases import PostgresServer

pytestmark = [pytest.mark.xdist_group("fleet"), pytest.mark.timeout(600)]

PATIENCE = 60.0
"""Seconds that a client goes on trying one thing."""


class Patient(Client):
    """Sends again what may not have arrived, with the same key, as clients are told to."""

    async def call(self, method: str, path: str, *, expect: int, **kwargs: Any) -> Json:
        """Until there is an answer that is none of an installation in motion."""
        headers = {"Idempotency-Key": uuid4().hex, **kwargs.pop("headers", {})}
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                return await super().call(method, path, expect=expect, headers=headers, **kwargs)
            except (aiohttp.ClientError, Refused) as error:
                passing = not isinstance(error, Refused) or error.status in (502, 503, 504)
                if not passing or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.2)


@dataclass
class Work:
    """What somebody did, and whether they may stop."""

    users: list[Json] = field(default_factory=list)
    over: bool = False

    async def go_on(self, client: Client, clip: Path) -> None:
        """Upload, have it converted, assign and take back, until told otherwise."""
        film = clip.read_bytes()
        while not self.over:
            user = await client.create_user(f"{uuid4().hex}@example.com")
            asset = await client.call(
                "POST",
                "/api/admin/assets?filename=aurora.mp4",
                expect=201,
                headers={"Content-Type": "video/mp4"},
                data=film,
            )
            await client.completed(asset["id"])
            path = f"/api/admin/assets/{asset['id']}"
            await eventually(partial(_assign, client, path, user), within=10)
            await client.post(f"{path}/undo-assign", expect=200)
            self.users.append(user)


async def _assign(client: Client, path: str, user: Json) -> None:
    """A service that has just started may know the user a moment later."""
    await client.post(f"{path}/assign", {"user_id": user["id"]}, expect=201)


async def test_nobody_notices_when_each_service_is_replaced(
    tmp_path: Path,
    http: aiohttp.ClientSession,
    postgres: PostgresServer,
    broker: Broker,
    clip: Path,
) -> None:
    work = Work()
    async with (
        fresh_parts(postgres, broker) as parts,
        rolling(parts, tmp_path / "fleet", previous(tmp_path / "old")) as fleet,
    ):
        client = Patient(fleet.url, http)
        await client.log_in(EMAIL, PASSWORD)
        asset, user = await _given(client, clip)
        async with asyncio.TaskGroup() as people:
            working = people.create_task(work.go_on(client, clip))
            await fleet.migrate(ROOT)
            for number, name in enumerate(NAMES, 1):
                before = len(work.users)
                await fleet.replace(name, ROOT)
                await eventually(partial(_more, work, before + 1), within=60)
                if number == len(NAMES) // 2:
                    await _see_it_live(client, tmp_path)
            await _see_it_live(client, tmp_path)
            work.over = True
            await working
        await _too_late(client, asset, user)
        for user in work.users:
            await eventually(partial(_told_once, client, user), within=30)


async def _given(client: Client, clip: Path) -> tuple[Json, Json]:
    """An assignment from before it all began."""
    asset = await client.completed((await client.upload(clip))["id"])
    user = await client.create_user(f"{uuid4().hex}@example.com")
    await _assign(client, f"/api/admin/assets/{asset['id']}", user)
    return asset, user


async def _too_late(client: Client, asset: Json, user: Json) -> None:
    """The window of 30 seconds has passed meanwhile, whoever counted them."""
    path = f"/api/admin/assets/{asset['id']}/undo-assign"
    has = (await client.get(f"/api/admin/users/{user['id']}/assignment"))["assignment"]
    assert has["asset_id"] == asset["id"]
    expires = datetime.fromisoformat(has["undo_expires_at"])
    await asyncio.sleep((expires - datetime.now(UTC)).total_seconds())
    problem = await client.post(path, expect=400)
    assert problem["code"] == "undo_window_expired"


async def _more(work: Work, count: int) -> None:
    assert len(work.users) >= count


async def _see_it_live(client: Client, directory: Path) -> None:
    """A film of its own, and each step of it on a WebSocket."""
    film = make_clip(directory / f"{uuid4().hex}.mp4")
    asset = await convert(client, film)
    await check_renditions(client, asset)
    user = await client.create_user(f"{uuid4().hex}@example.com")
    await assign_and_undo(client, asset, user)
    await verify(client)


async def _told_once(client: Client, user: Json) -> None:
    page = await client.get(f"/api/admin/users/{user['id']}/assignment-history")
    assert [entry["action"] for entry in page["history"]] == ["undone", "assigned"]
