"""What can be wrong with files and jobs, each fault made for real, and mended."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from services.converter.doctoring import Doctor, practice
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import HERE, Studio
from shared.contracts.context import Context
from shared.contracts.converter import AssetStatusChanged, RenditionReady, TicketIssued
from shared.operating.views import RepairBody


@pytest.fixture
def doctor(studio: Studio) -> Doctor:
    """Looks at the studio."""
    bus: Any = studio.bus
    return Doctor(studio.database, studio.blobs, bus)


async def codes(studio: Studio) -> set[str]:
    """What is found."""
    bus: Any = studio.bus
    checkup = await practice(studio.database, studio.blobs, bus).examine(HERE)
    return {finding.code for finding in checkup.findings}


async def test_a_rendition_that_got_lost_is_made_again_and_the_asset_stays_completed(
    studio: Studio, doctor: Doctor, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    await studio.work()
    assert await codes(studio) == set()
    lost = (await studio.asset(ident))["gif_url"]
    await studio.blobs.delete(lost)

    assert await doctor.renditions_missing(HERE) == [f"{ident} gif"]
    assert await doctor.renditions_missing(Context("other")) == []
    assert "rendition_missing" in await codes(studio)
    assert await doctor.remake(HERE) == 1
    asset = await studio.asset(ident)
    assert (asset["gif_url"], asset["conversion_status"]) == (None, "completed")
    assert await doctor.remake(HERE) == 0, "it is being made"
    told = len(await studio.told(AssetStatusChanged))
    await studio.work()

    asset = await studio.asset(ident)
    assert asset["conversion_status"] == "completed"
    assert asset["gif_url"] not in (None, lost)
    assert asset["gif_url"] in await studio.keys()
    assert len(await studio.told(AssetStatusChanged)) == told
    assert (await studio.told(RenditionReady))[-1].rendition == "gif"
    assert await doctor.renditions_missing(HERE) == []


async def test_without_the_original_nothing_is_made_again(
    studio: Studio, doctor: Doctor, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    await studio.work()
    await studio.blobs.delete((await studio.asset(ident))["gif_url"])
    await studio.blobs.delete(f"default/originals/{ident}")
    assert await doctor.originals_missing(HERE) == [str(ident)]
    assert await doctor.renditions_missing(HERE) == []
    assert await doctor.remake(HERE) == 0
    assert (await studio.asset(ident))["gif_url"] is not None


async def test_what_nothing_refers_to_is_found_once_it_is_old(
    studio: Studio, doctor: Doctor, clip: MakeClip, tmp_path: Path
) -> None:
    await studio.upload(await clip("silent"))
    await studio.work()
    (stray := tmp_path / "stray").write_bytes(b"x")
    for folder in ("renditions", "originals"):
        for age, name in ((0, "new"), (25 * 3600, "old")):
            key = f"default/{folder}/{name}"
            await studio.blobs.put(key, stray, content_type="text/plain")
            then = time.time() - age
            os.utime(tmp_path / "blobs" / key, (then, then))
    found = {"object_unreferenced", "original_unreferenced"}
    assert await codes(studio) == found
    assert await doctor.unreferenced_renditions(HERE) == ["default/renditions/old"]
    assert await doctor.unreferenced_originals(HERE) == ["default/originals/old"]

    bus: Any = studio.bus
    surgery = practice(studio.database, studio.blobs, bus)
    planned = await surgery.repair(HERE, RepairBody(dry_run=True))
    assert [(each.code, each.count) for each in planned] == [("object_unreferenced", 1)]
    assert "default/renditions/old" in await studio.keys()
    await surgery.repair(HERE, RepairBody())
    assert await codes(studio) == {"original_unreferenced"}, "it cannot be made again"
    assert {"default/renditions/new", "default/originals/old"} <= await studio.keys()


async def test_a_job_whose_ticket_got_lost_gets_another(
    studio: Studio, doctor: Doctor, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    await studio.databases.as_admin("delete from converter.outbox")
    assert await doctor.stalled(HERE) == [], "it is not late yet"
    studio.pass_time(61)
    assert await doctor.stalled(HERE) == [str(ident)]
    studio.bus.ready = 1
    assert await doctor.stalled(HERE) == [], "a ticket waits: everybody is busy"
    studio.bus.ready = 0
    assert await doctor.issue_tickets(HERE) == 1
    assert len(await studio.told(TicketIssued)) == 1
    assert await doctor.stalled(HERE) == []


async def test_a_job_that_a_dead_worker_holds_gets_a_ticket(
    studio: Studio, doctor: Doctor, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    await studio.claim()
    await studio.databases.as_admin("delete from converter.outbox")
    studio.pass_time(100)
    assert await doctor.stalled(HERE) == [str(ident)]
    assert await doctor.issue_tickets(HERE) == 1
