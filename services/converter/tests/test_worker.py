"""What the queue and its workers promise, with the real ffmpeg and a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from services.converter import queries
from services.converter.attempt import regular_size
from services.converter.domain import recipes
from services.converter.domain.probe import INPUT
from services.converter.domain.recipes import Command
from services.converter.domain.retry import Failure
from services.converter.ffmpeg import ConversionFailed, Ffmpeg
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import HERE, Studio
from shared.blobs.port import StorageUnavailable
from shared.contracts.converter import (
    AssetNotFound,
    AssetStatusChanged,
    RenditionReady,
)

EXTENSIONS = {"thumbnail": "jpg", "mp4": "mp4", "gif": "gif", "poster_best": "jpg", "webm": "webm"}
ELSEWHERE = replace(HERE, tenant="elsewhere")


async def failing(_: Command) -> None:
    raise ConversionFailed(Failure("ffmpeg_failed", "ffmpeg ended with status 1: no luck"), "a log")


async def timing_out(_: Command) -> None:
    raise ConversionFailed(Failure("timeout", "The conversion took too long."))


async def test_a_ticket_turns_a_pending_film_into_renditions(
    studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("sound"))

    await studio.work()

    asset, job = await studio.asset(ident), await studio.job(ident)
    assert (asset["conversion_status"], asset["progress"]) == ("completed", 100)
    assert (asset["width"], asset["height"]) == (320, 240)
    assert asset["duration_seconds"] == pytest.approx(1, abs=0.1)
    token = asset["gif_url"].split("/")[3]
    rows = await studio.databases.as_admin("select rendition, sha256 from converter.renditions")
    digests = {row["rendition"]: row["sha256"] for row in rows}
    names = {
        f"{name}_url": f"default/renditions/{digests[name]}/{token}/{name}.{ext}"
        for name, ext in EXTENSIONS.items()
    }
    assert {name: asset[name] for name in names} == names
    others = {f"default/originals/{ident}", job["log_key"]}
    assert await studio.keys() == {*names.values(), *others}
    assert (job["status"], job["retry_count"], job["lease_token"]) == ("completed", 0, None)
    assert job["output_paths"] is not None
    assert await studio.history(ident) == [
        (None, "pending"),
        ("pending", "processing"),
        ("processing", "completed"),
    ]


async def test_each_step_is_told_as_it_happens(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("sound"))

    await studio.work()

    ready = await studio.told(RenditionReady)
    assert sorted(event.rendition for event in ready) == sorted(EXTENSIONS)
    changed = await studio.told(AssetStatusChanged)
    assert [(event.previous_status, event.status) for event in changed] == [
        ("pending", "processing"),
        ("processing", "completed"),
    ]
    assert changed[0].version < changed[1].version == (await studio.asset(ident))["version"]
    assert studio.bus.percents == sorted(studio.bus.percents)
    assert studio.bus.percents[-1] == 100


async def test_what_is_worth_most_begins_first(studio: Studio, clip: MakeClip) -> None:
    await studio.upload(await clip("sound"))

    await studio.work()

    begun = list(dict.fromkeys(command.arguments[-1] for command in studio.ffmpeg.commands))
    films = [name for name in begun if name.startswith("video")]
    assert films == ["video.mp4", "video.webm"], "one after the other"
    pictures = [name for name in begun if name not in films]
    assert pictures == ["thumbnail.jpg", "preview.gif", "poster_best.jpg"]


async def test_of_two_failures_the_one_that_decides_more_counts(
    studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("ten_bit"))
    begun, failed = asyncio.Event(), asyncio.Event()

    async def fail_both(command: Command) -> None:
        if command.arguments[-1] == "thumbnail.jpg":
            await begun.wait()
            failed.set()
            await failing(command)
        begun.set()
        await failed.wait()
        await timing_out(command)

    studio.ffmpeg.script.append(fail_both)
    await studio.work()

    job = await studio.job(ident)
    assert (job["error_code"], job["timeouts"]) == ("timeout", 1), "the next attempt is to hurry"
    assert len(studio.ffmpeg.commands) == 2


async def test_what_is_under_way_is_finished_after_a_failure(
    studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("ten_bit"))

    async def fail_at_the_picture(command: Command) -> None:
        if command.arguments[-1] == "thumbnail.jpg":
            await asyncio.sleep(0.05)
            await failing(command)

    studio.ffmpeg.script.append(fail_at_the_picture)
    await studio.work()

    assert (await studio.job(ident))["retry_count"] == 1
    shown = await studio.asset(ident)
    assert shown["mp4_url"]
    assert (shown["gif_url"], shown["webm_url"]) == (None, None), "nothing was begun after it"


async def test_without_a_due_job_a_ticket_is_used_up(studio: Studio) -> None:
    await studio.work()


async def test_a_failed_attempt_waits_and_spends_a_retry(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("silent"))
    studio.ffmpeg.script.append(failing)

    await studio.work()

    job, asset = await studio.job(ident), await studio.asset(ident)
    assert (job["status"], job["retry_count"], job["error_code"]) == ("pending", 1, "ffmpeg_failed")
    assert job["log"] == "a log"
    assert asset["conversion_status"] == "processing", "no oscillation between attempts"
    assert asset["conversion_error"] is None
    await studio.work()
    assert (await studio.job(ident))["retry_count"] == 1, "not due yet"


async def test_three_retries_after_the_first_attempt_then_failed(
    studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    studio.ffmpeg.script.append(failing)

    for _ in range(4):
        await studio.work()
        studio.pass_time(601)

    job, asset = await studio.job(ident), await studio.asset(ident)
    assert (job["status"], job["retry_count"]) == ("failed", 3)
    assert (asset["conversion_status"], asset["conversion_error_code"]) == (
        "failed",
        "ffmpeg_failed",
    )
    assert "no luck" in asset["conversion_error"]
    assert len(studio.ffmpeg.commands) == 4
    [*_, last] = await studio.told(AssetStatusChanged)
    assert (last.status, last.error_code) == ("failed", "ffmpeg_failed")


async def test_a_retry_makes_only_what_is_missing(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("silent"))

    async def fail_at_webm(command: Command) -> None:
        if "libsvtav1" in command.arguments:
            await studio.shown(ident, "poster_best")
            studio.ffmpeg.script.clear()
            await failing(command)

    studio.ffmpeg.script.append(fail_at_webm)
    await studio.work()
    first = await studio.asset(ident)
    assert first["gif_url"]
    assert first["webm_url"] is None

    studio.pass_time(60)
    studio.ffmpeg.commands.clear()
    await studio.work()

    second = await studio.asset(ident)
    assert second["conversion_status"] == "completed"
    assert second["gif_url"] == first["gif_url"]
    assert len(studio.ffmpeg.commands) == 1
    assert len(await studio.told(RenditionReady)) == len(EXTENSIONS)


async def test_a_second_timeout_is_final_and_says_so(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("silent"))
    studio.ffmpeg.script.append(timing_out)

    await studio.work()
    assert (await studio.job(ident))["timeouts"] == 1
    studio.pass_time(60)
    await studio.work()

    asset = await studio.asset(ident)
    assert asset["conversion_error_code"] == "timeout"
    assert "fastest" in asset["conversion_error"]


async def test_after_a_timeout_the_fastest_settings_are_used(
    studio: Studio, clip: MakeClip
) -> None:
    await studio.upload(await clip("ten_bit"))
    studio.ffmpeg.script.append(timing_out)
    await studio.work()

    studio.ffmpeg.script.clear()
    studio.pass_time(60)
    await studio.work()

    presets = [c.arguments[c.arguments.index("-preset") + 1] for c in studio.ffmpeg.commands[2:3]]
    assert presets == ["ultrafast"]


async def test_what_can_never_succeed_is_not_retried(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("only_sound"))

    await studio.work()

    asset, job = await studio.asset(ident), await studio.job(ident)
    assert (asset["conversion_status"], asset["conversion_error_code"]) == ("failed", "no_video")
    assert (job["status"], job["retry_count"]) == ("failed", 0)
    assert not studio.ffmpeg.commands


async def test_a_lost_original_fails_for_good(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("sound"))
    await studio.blobs.delete(f"default/originals/{ident}")

    await studio.work()

    assert (await studio.asset(ident))["conversion_error_code"] == "original_lost"


async def test_storage_that_is_away_costs_a_retry_not_the_film(
    studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    ident = await studio.upload(await clip("sound"))

    async def away(*_: object, **__: object) -> None:
        raise StorageUnavailable("gone fishing")

    with monkeypatch.context() as patch:
        patch.setattr(studio.blobs, "fetch", away)
        await studio.work()
    assert (await studio.job(ident))["error_code"] == "storage_unavailable"

    studio.pass_time(60)
    await studio.work()
    assert (await studio.asset(ident))["conversion_status"] == "completed"


async def test_an_output_that_is_a_link_is_not_followed(
    studio: Studio, clip: MakeClip, tmp_path: Path
) -> None:
    link = tmp_path / "thumbnail.jpg"
    link.symlink_to("/etc/hostname")
    with pytest.raises(ConversionFailed):
        regular_size(link)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ([], "completed"),
        ([], "failed"),
        (["processing"], "pending"),
        (["processing", "completed"], "pending"),
        (["processing", "completed"], "failed"),
        (["processing", "failed"], "processing"),
    ],
)
async def test_the_database_itself_refuses_illegal_transitions(
    studio: Studio, clip: MakeClip, path: list[str], target: str
) -> None:
    ident = await studio.upload(await clip("silent"))

    async def go(status: str) -> None:
        await studio.databases.as_admin(
            "update converter.admin_media_assets set conversion_status = $2,"
            " conversion_error = case when $2 = 'failed' then 'x' end where id = $1",
            ident,
            status,
        )

    for status in path:
        await go(status)
    with pytest.raises(asyncpg.RestrictViolationError):
        await go(target)


async def test_history_cannot_be_changed(studio: Studio, clip: MakeClip) -> None:
    await studio.upload(await clip("silent"))
    for change in (
        "update converter.conversion_status_history set status = 'failed'",
        "delete from converter.conversion_status_history",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await studio.databases.as_admin(change)


async def test_another_tenants_assets_are_not_there(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("silent"))
    with pytest.raises(AssetNotFound):
        async with studio.database.transaction(ELSEWHERE) as tx:
            await queries.asset(tx, ident)


async def test_an_attempt_ends_when_its_time_is_over_and_a_second_one_is_final(
    studio: Studio, clip: MakeClip
) -> None:
    assert studio.workshop.wall_clock == 600, "ten minutes, unless a test is in a hurry"
    ident = await studio.upload(await clip("ten_bit"))
    studio.worker = studio.another_worker(workshop=replace(studio.workshop, wall_clock=0.2))

    await studio.work()
    job = await studio.job(ident)
    assert (job["status"], job["error_code"], job["timeouts"]) == ("pending", "timeout", 1)
    studio.pass_time(60)
    await studio.work()

    asset = await studio.asset(ident)
    assert (asset["conversion_status"], asset["conversion_error_code"]) == ("failed", "timeout")
    assert list(studio.scratch.own.iterdir()) == []


async def test_all_that_ffmpeg_said_is_kept_and_its_last_lines_are_told(
    studio: Studio, clip: MakeClip, tmp_path: Path
) -> None:
    ident = await studio.upload(await clip("silent"))

    async def misspell(command: Command) -> None:
        wrong = replace(command, arguments=(*command.arguments, "-no_such_option", "1", "x.mp4"))
        await Ffmpeg.run(studio.ffmpeg, wrong, _place(studio), on_log=said.append)

    said: list[bytes] = []
    studio.ffmpeg.script.append(misspell)
    await studio.work()

    job = await studio.job(ident)
    assert (job["error_code"], job["retry_count"]) == ("ffmpeg_failed", 1)
    assert "no_such_option" in job["error"]
    assert b"no_such_option" in b"".join(said)
    await studio.blobs.fetch(job["log_key"], tmp_path / "log")
    assert (tmp_path / "log").read_text().startswith("$ ffmpeg -hide_banner")


def _place(studio: Studio) -> Path:
    """Where ffmpeg works: one of the two directories."""
    return next(studio.scratch.own.glob(f"*/{INPUT}")).parent


async def test_a_preview_that_weighs_too_much_is_made_again_smaller(
    studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipes, "GIF_BYTES", 1_200_000)
    ident = await studio.upload(await clip("noise"))

    await studio.work()

    gif = await studio.blobs.stat((await studio.asset(ident))["gif_url"])
    assert 100_000 < gif.size < 1_200_000
    previews = [c for c in studio.ffmpeg.commands if "preview.gif" in c.arguments]
    assert len(previews) == 2, "one step was enough"


async def test_the_last_step_counts_whatever_it_weighs(
    studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipes, "GIF_BYTES", 10)
    ident = await studio.upload(await clip("silent"))
    await studio.work()
    assert (await studio.asset(ident))["conversion_status"] == "completed"
    previews = [c for c in studio.ffmpeg.commands if "preview.gif" in c.arguments]
    assert len(previews) == len(recipes.GIF_STEPS)
