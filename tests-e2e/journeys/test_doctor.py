"""The doctor on a whole product: faults made for real, found, and repaired."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from harness.client import Client, Json
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD, Product
from harness.waiting import eventually
from services.start import ALL, MODULES
from shared.runtime.runner import running
from shared.runtime.settings import RuntimeSettings

DOCTOR = "/api/admin/doctor"


@pytest.fixture
async def patient(tmp_path: Path, http: aiohttp.ClientSession) -> AsyncIterator[Product]:
    """A product of this test alone, since it is hurt."""
    patient = Product(tmp_path / "patient")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ADMINISTRATOR.items():
            patch.setenv(name, value)
        settings = RuntimeSettings.load(port=0, data_dir=patient.data_dir)
        async with running([MODULES[name] for name in ALL], settings) as process:
            patient.runtime = process.runtime
            patient.client = Client(process.urls["gateway"], http)
            await patient.client.log_in(EMAIL, PASSWORD)
            yield patient


async def test_what_is_hurt_is_found_and_what_can_be_is_mended(
    patient: Product, clip: Path
) -> None:
    client = patient.client
    asset = await client.upload(clip, title="Aurora")
    await client.completed(asset["id"])
    await eventually(lambda: _healthy(client), within=30)
    before = await client.asset(asset["id"])
    await _hurt(patient)

    found = await client.get(DOCTOR)
    assert {each["code"]: each["repairable"] for each in found["findings"]} == {
        "rendition_missing": True,
        "object_unreferenced": True,
        "original_unreferenced": False,
        "outbox_lagging": False,
        "read_model_differs": True,
    }
    assert (found["healthy"], found["unchecked"]) == (False, [])
    planned = await client.post(DOCTOR, {"dry_run": True}, expect=200)
    assert len(planned["repaired"]) == 3
    assert await client.get(DOCTOR) | {"checked_at": ""} == found | {"checked_at": ""}
    one = await client.post(DOCTOR, {"codes": ["object_unreferenced"]}, expect=200)
    assert [each["code"] for each in one["repaired"]] == ["object_unreferenced"]
    rest = await client.post(DOCTOR, expect=200)
    assert {each["code"] for each in rest["repaired"]} == {
        "rendition_missing",
        "read_model_differs",
    }

    async def mended() -> None:
        left = {each["code"] for each in (await client.get(DOCTOR))["findings"]}
        assert left == {"original_unreferenced", "outbox_lagging"}
        now = await client.asset(asset["id"])
        assert now["conversion_status"] == "completed"
        assert now["thumbnail_url"] not in (None, before["thumbnail_url"])
        assert (await client.fetch(now["thumbnail_url"]))[0] == 200
        trail = await client.get("/api/admin/audit", action="fault_repaired")
        told = [each["metadata"]["finding"] for each in trail["items"]]
        assert sorted(told) == ["object_unreferenced", "rendition_missing"]

    await eventually(mended, within=60)


async def _healthy(client: Client) -> None:
    found = await client.get(DOCTOR)
    assert found["healthy"], found


async def _hurt(patient: Product) -> None:
    """Lose a thumbnail, leave files behind, emit what nobody takes, and forget a person."""
    blobs = patient.data_dir / "blobs" / "default"
    [thumbnail] = blobs.glob("renditions/**/thumbnail.jpg")
    thumbnail.unlink()
    for folder in ("renditions", "originals"):
        stray = blobs / folder / "stray"
        stray.write_bytes(b"x")
        os.utime(stray, (time.time() - 90_000,) * 2)
    databases = patient.runtime.databases
    await databases["identity"].pool.execute(
        "insert into identity.outbox (id, type, aggregateid, headers, payload, created_at)"
        " values ($1, 'no.queue.bound', '', '{}', '', now() - interval '2 minutes')",
        uuid4(),
    )
    async with databases["assignment"].pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('app.tenant', 'default', true)")
        await connection.execute("update assignment.users set version = 0, email = 'lost'")


@pytest.mark.parametrize("body", [[], {"codes": "x"}, {"dry_run": 1}, {"what": True}])
async def test_bad_orders_are_refused(product: Product, body: Any) -> None:
    problem: Json = await product.client.post(DOCTOR, body, expect=400)
    assert problem["code"] == "invalid_input"


async def test_only_administrators_see_a_doctor(product: Product) -> None:
    email = f"{uuid4().hex}@example.com"
    await product.client.create_user(email, password=PASSWORD)
    somebody = Client(product.client.url, product.client.session)
    await somebody.log_in(email, PASSWORD)
    for path in (DOCTOR, "/api/admin/system", "/api/admin/parked"):
        await somebody.get(path, expect=403)
    for path in (DOCTOR, "/api/admin/resync", f"/api/admin/parked/{uuid4()}/replay"):
        await somebody.post(path, {}, expect=403)
