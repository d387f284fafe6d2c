"""A deleted asset comes back with all its files, and is not deleted by late word of before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.converter import consumers, http, orders
from services.converter.shelf import GRACE
from services.converter.tests.asking import ASSETS, SIGNER, intake
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import ADMIN, HERE, Studio
from shared.contracts.assignment import AssetWithdrawn
from shared.contracts.converter import WITHDRAWN, AssetRestored
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.web.application import application


@pytest.fixture
async def client(studio: Studio) -> AsyncIterator[TestClient]:
    parts = http.Parts(studio.database, intake(studio, 10**9), SIGNER, studio.blobs)
    server = TestServer(application("converter", [http.routes.given(parts)], seal=SEAL))
    async with TestClient(server, headers=signed(actor=ADMIN)) as client:
        yield client


@pytest.fixture
async def deleted(studio: Studio, clip: MakeClip) -> UUID:
    """A converted asset that was deleted."""
    ident = await studio.upload(await clip("silent"), source="film")
    await studio.work()
    async with studio.database.transaction(HERE) as tx:
        await orders.delete(tx, ident, withdrawn=0)
    return ident


async def restore(client: TestClient, ident: Any, **headers: str) -> tuple[int, Any]:
    async with client.post(f"{ASSETS}/{ident}/restore", headers=headers) as answer:
        return answer.status, await answer.json()


async def hear(studio: Studio, ident: UUID, version: int) -> None:
    """Hear from the owner of assignments that nobody will have it."""
    event = AssetWithdrawn(asset_id=ident, asset_version=version)
    async with studio.database.transaction(HERE) as tx:
        await consumers.on_asset_withdrawn(tx, event)


async def test_only_administrators_restore_what_is_there(client: TestClient) -> None:
    assert (await restore(client, new_id(), **signed("user")))[0] == 403
    assert (await restore(client, "no-id"))[0] == 400
    assert (await restore(client, new_id()))[1]["code"] == "asset_not_found"


async def test_a_deleted_asset_is_there_again_as_it_was(
    client: TestClient, studio: Studio, deleted: UUID
) -> None:
    status, asset = await restore(client, deleted)
    assert (status, asset["deleted_at"], asset["conversion_status"]) == (200, None, "completed")
    assert asset["webm_url"]
    async with client.get(f"{ASSETS}/{deleted}") as answer:
        assert await answer.json() == asset
    assert await restore(client, deleted) == (200, asset), "it is there already"
    [told] = await studio.told(AssetRestored)
    assert (told.asset_id, told.version) == (deleted, (await studio.asset(deleted))["version"])


async def test_two_at_once_restore_it_once(
    client: TestClient, studio: Studio, deleted: UUID
) -> None:
    answers = await asyncio.gather(*(restore(client, deleted) for _ in range(4)))
    assert {status for status, _ in answers} == {200}
    assert len(await studio.told(AssetRestored)) == 1


async def test_its_files_outlive_every_sweep(
    client: TestClient, studio: Studio, deleted: UUID
) -> None:
    kept = await studio.keys()
    studio.pass_time((GRACE + timedelta(days=400)).total_seconds())
    async with studio.database.transaction(HERE) as tx:
        later = await tx.now()
    for _ in range(2):
        await studio.workshop.shelf.sweep(later)
    assert await studio.keys() == kept
    _, asset = await restore(client, deleted)
    assert all(asset[f"{name}_url"] for name in ("thumbnail", "mp4", "gif", "webm"))


async def test_late_word_of_the_deletion_does_not_repeat_it(
    client: TestClient, studio: Studio, deleted: UUID
) -> None:
    before = (await studio.asset(deleted))["version"]
    await restore(client, deleted)
    await hear(studio, deleted, before)
    assert (await studio.asset(deleted))["deleted_at"] is None


async def test_a_promise_of_before_the_restoration_deletes_nothing(
    client: TestClient, studio: Studio, deleted: UUID
) -> None:
    before = (await studio.asset(deleted))["version"]
    await restore(client, deleted)

    for version, status in ((before, 409), (before + 1, 204)):
        headers = {WITHDRAWN: str(version)}
        async with client.delete(f"{ASSETS}/{deleted}", headers=headers) as answer:
            assert answer.status == status


async def test_a_new_deletion_counts(client: TestClient, studio: Studio, deleted: UUID) -> None:
    await restore(client, deleted)
    await hear(studio, deleted, (await studio.asset(deleted))["version"])
    assert (await studio.asset(deleted))["deleted_at"] is not None
