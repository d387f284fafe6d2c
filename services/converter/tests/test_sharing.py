"""The same bytes are converted once in a tenant, and what came out is shared and kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.converter import orders, shelf
from services.converter.domain.recipes import Command
from services.converter.domain.retry import Failure
from services.converter.ffmpeg import ConversionFailed
from services.converter.leases import Job
from services.converter.sweeper import Sweeper
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import HERE, Studio, ticket
from shared.contracts.converter import RenditionReady, TicketIssued

URLS = ("thumbnail_url", "mp4_url", "gif_url", "poster_best_url", "webm_url")


async def urls(studio: Studio, ident: UUID) -> list[str | None]:
    asset = await studio.asset(ident)
    return [asset[name] for name in URLS]


async def test_converting_again_starts_no_ffmpeg_and_takes_no_second(
    studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = await clip("sound")
    first = await studio.upload(film, source="film")
    await studio.work()
    stored = await studio.keys()
    studio.ffmpeg.commands.clear()

    async def nobody_fetches(*_: Any) -> None:
        raise AssertionError("there is nothing to look at")

    monkeypatch.setattr(studio.blobs, "fetch", nobody_fetches)
    again = await studio.upload(film, source="film")
    began = time.monotonic()
    await studio.work()
    assert time.monotonic() - began < 1

    asset = await studio.asset(again)
    assert (asset["conversion_status"], asset["progress"]) == ("completed", 100)
    assert (asset["width"], asset["height"]) == (320, 240)
    assert not studio.ffmpeg.commands
    assert await urls(studio, again) == await urls(studio, first)
    assert await studio.keys() == {*stored, f"default/originals/{again}"}
    ready = [event for event in await studio.told(RenditionReady) if event.asset_id == again]
    assert [event.rendition for event in ready] == [
        "thumbnail",
        "mp4",
        "gif",
        "poster_best",
        "webm",
    ]
    assert studio.bus.percents[-1] == 100


async def test_an_asset_of_before_has_no_best_poster_and_its_twin_makes_only_that(
    studio: Studio, clip: MakeClip
) -> None:
    film = await clip("silent")
    old = await studio.upload(film, source="film")
    await studio.work()
    await studio.databases.as_admin(
        "with gone as (delete from converter.renditions where rendition = 'poster_best')"
        " update converter.admin_media_assets set poster_best_url = null"
    )
    studio.ffmpeg.commands.clear()

    twin = await studio.upload(film, source="film")
    await studio.work()

    assert (await studio.asset(old))["poster_best_url"] is None
    assert all(await urls(studio, twin))
    assert len(studio.ffmpeg.commands) == 2, "the first frame, and the best"
    assert (await urls(studio, twin))[:3] == (await urls(studio, old))[:3]


async def test_a_tenant_learns_nothing_of_anothers_films(studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    await studio.upload(film, source="film")
    elsewhere = await studio.upload(film, source="film", context=replace(HERE, tenant="elsewhere"))
    await studio.work()
    studio.ffmpeg.commands.clear()

    await studio.work()

    assert studio.ffmpeg.commands
    for key in await urls(studio, elsewhere):
        assert key
        assert key.startswith("elsewhere/")


async def test_other_settings_are_another_film(studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    await studio.upload(film, source="film")
    await studio.work()
    studio.ffmpeg.commands.clear()
    studio.worker = studio.another_worker(workshop=replace(studio.workshop, webm_codec="vp9"))

    again = await studio.upload(film, source="film")
    await studio.work()

    assert len(studio.ffmpeg.commands) == 1, "only the WebM is another"
    assert (await studio.asset(again))["conversion_status"] == "completed"


async def test_two_uploads_at_once_convert_once(studio: Studio, clip: MakeClip) -> None:
    film = await clip("sound")
    first, second = [await studio.upload(film, source="film") for _ in range(2)]

    await asyncio.gather(*(studio.worker.handle([ticket()]) for _ in range(2)))
    assert (await studio.asset(first))["conversion_status"] == "completed"
    assert (await studio.asset(second))["conversion_status"] == "pending", "it waited, unclaimed"
    made = len(studio.ffmpeg.commands)

    await studio.work()
    assert (await studio.asset(second))["conversion_status"] == "completed"
    assert len(studio.ffmpeg.commands) == made == 6
    assert await urls(studio, first) == await urls(studio, second)


async def test_a_waiting_twin_holds_nothing_up(studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    leader = await studio.upload(film, source="film")
    twin = await studio.upload(film, source="film")
    other = await studio.upload(film, source="another")

    claimed = [await studio.claim() for _ in range(3)]

    assert [job.asset_id for job in claimed if job] == [leader, other]
    assert (await studio.job(twin))["status"] == "pending"


async def lead(studio: Studio, film: Path) -> tuple[Job, UUID]:
    """A leader at work, and its twin."""
    await studio.upload(film, source="film")
    twin = await studio.upload(film, source="film")
    job = await studio.claim()
    assert job
    assert await studio.claim() is None
    await studio.databases.as_admin("delete from converter.outbox")
    return job, twin


async def test_a_cancelled_leader_hands_over(studio: Studio, clip: MakeClip) -> None:
    leader, twin = await lead(studio, await clip("silent"))
    async with studio.database.transaction(HERE) as tx:
        await orders.cancel(tx, leader.asset_id)
    assert len(await studio.told(TicketIssued)) == 1
    await studio.work()
    assert (await studio.asset(twin))["conversion_status"] == "completed"


async def test_a_failed_leader_hands_over(studio: Studio, clip: MakeClip) -> None:
    leader, twin = await lead(studio, await clip("silent"))

    async def fail(_: Command) -> None:
        studio.ffmpeg.script.clear()
        raise ConversionFailed(Failure("no_luck", "No luck.", permanent=True))

    studio.ffmpeg.script.append(fail)
    await studio.worker.convert(leader)
    assert (await studio.asset(leader.asset_id))["conversion_status"] == "failed"
    assert len(await studio.told(TicketIssued)) == 1
    await studio.work()
    assert (await studio.asset(twin))["conversion_status"] == "completed"


async def test_a_dead_leaders_job_comes_before_its_twin(studio: Studio, clip: MakeClip) -> None:
    leader, _ = await lead(studio, await clip("silent"))
    studio.pass_time(31)
    taken = await studio.claim()
    assert taken
    assert taken.id == leader.id
    assert await studio.claim() is None


async def test_no_ticket_is_missing_for_who_waits(studio: Studio, clip: MakeClip) -> None:
    leader, _ = await lead(studio, await clip("silent"))
    sweeper = Sweeper(studio.database, studio.bus)  # type: ignore[arg-type]
    assert await sweeper.sweep() == 0
    await studio.worker.convert(leader)
    await studio.databases.as_admin("delete from converter.outbox")
    assert await sweeper.sweep() == 1


async def test_what_a_cancelled_twin_had_made_is_not_made_again(
    studio: Studio, clip: MakeClip
) -> None:
    leader, twin = await lead(studio, await clip("silent"))

    async def cancelled_at_webm(command: Command) -> None:
        if "libsvtav1" in command.arguments:
            studio.ffmpeg.script.clear()
            await studio.shown(leader.asset_id, "poster_best")
            async with studio.database.transaction(HERE) as tx:
                await orders.cancel(tx, leader.asset_id)
            raise ConversionFailed(Failure("killed", "Killed."))

    studio.ffmpeg.script.append(cancelled_at_webm)
    await studio.worker.convert(leader)
    studio.ffmpeg.commands.clear()

    await studio.work()

    assert (await studio.asset(twin))["conversion_status"] == "completed"
    assert len(studio.ffmpeg.commands) == 1


async def test_an_object_that_was_lost_is_made_again(studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    first = await studio.upload(film, source="film")
    await studio.work()
    lost = (await studio.asset(first))["gif_url"]
    await studio.blobs.delete(lost)

    again = await studio.upload(film, source="film")
    await studio.work()

    gif = (await studio.asset(again))["gif_url"]
    assert gif != lost
    assert gif in await studio.keys()


async def sweep(studio: Studio, *, days: float = 1) -> int:
    async with studio.database.system_transaction() as tx:
        latest = await tx.now() - timedelta(days=days)
    return await studio.shelf.sweep(latest)


async def forget(studio: Studio, ident: UUID) -> None:
    await studio.databases.as_admin("delete from converter.renditions where asset_id = $1", ident)


async def test_an_object_goes_when_nothing_refers_to_it_and_a_while_has_passed(
    studio: Studio, clip: MakeClip
) -> None:
    film = await clip("silent")
    first, second = [await studio.upload(film, source="film") for _ in range(2)]
    await studio.work()
    await studio.work()
    shared = set(await urls(studio, first))

    await forget(studio, first)
    studio.pass_time(3 * 86400)
    assert await sweep(studio) == 0, "the second still refers to it"

    await forget(studio, second)
    assert await sweep(studio) == 0, "its time begins now"
    studio.pass_time(86000)
    assert await sweep(studio) == 0
    assert shared <= await studio.keys()
    studio.pass_time(1000)
    assert await sweep(studio) == 5
    assert not shared & await studio.keys()
    assert await sweep(studio) == 0
    assert await studio.databases.as_admin("select * from converter.rendition_objects") == []


async def test_a_new_reference_ends_the_time_of_grace(studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    first = await studio.upload(film, source="film")
    await studio.work()
    await studio.databases.as_admin(
        "update converter.rendition_objects set unreferenced_since = now() - interval '9 days'"
    )
    again = await studio.upload(film, source="film")
    await studio.work()
    await forget(studio, first)
    assert await sweep(studio) == 0
    assert set(await urls(studio, again)) <= await studio.keys()


async def test_what_a_killed_attempt_stored_is_swept(studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    await studio.upload(film)
    job = await studio.claim()
    assert job
    key = f"default/renditions/{job.asset_id}/{job.token}/gif.gif"
    async with studio.database.transaction(HERE) as tx:
        await shelf.note(tx, job, key)
    await studio.blobs.put(key, film, content_type="image/gif")
    assert await sweep(studio) == 0
    studio.pass_time(90000)
    assert await sweep(studio) == 1
    assert key not in await studio.keys()
