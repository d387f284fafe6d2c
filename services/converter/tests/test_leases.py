"""Who works on what: claims, leases that are lost and kept, and the sweeper."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from services.converter import leases, shelf
from services.converter.attempt import MOST_LOST_WORKERS
from services.converter.domain.recipes import Command
from services.converter.domain.retry import Failure
from services.converter.ffmpeg import ConversionFailed
from services.converter.leases import LeaseLost
from services.converter.sweeper import Sweeper
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import HERE, Studio, ticket
from shared.contracts.context import Context
from shared.contracts.converter import TicketIssued
from shared.testing.figures import figure

ELSEWHERE = replace(HERE, tenant="elsewhere")


def sweeper(studio: Studio) -> Sweeper:
    return Sweeper(studio.database, studio.bus)  # type: ignore[arg-type]


async def test_a_stop_gives_the_job_back_with_no_retry_spent(
    studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    converting = asyncio.Event()

    async def hang(_: Command) -> None:
        converting.set()
        await asyncio.Event().wait()

    studio.ffmpeg.script.append(hang)
    working = asyncio.create_task(studio.worker.handle([ticket()]))
    await asyncio.wait_for(converting.wait(), 20)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    job = await studio.job(ident)
    assert (job["status"], job["retry_count"], job["lease_token"]) == ("pending", 0, None)
    studio.ffmpeg.script.clear()
    await studio.work()
    assert (await studio.asset(ident))["conversion_status"] == "completed"


async def test_a_dead_workers_job_is_taken_over_and_its_late_writes_are_refused(
    studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    dead = await studio.claim()
    assert dead
    assert await studio.claim() is None, "leased"
    stale = f"default/renditions/{ident}/{dead.token}/gif.gif"
    async with studio.database.transaction(dead.context) as tx:
        await shelf.note(tx, dead, stale)
    await studio.blobs.put(stale, await clip("silent"), content_type="image/gif")

    expired = figure("marquee_conversion_leases_expired_total")
    took = figure("marquee_conversion_duration_seconds_count", outcome="completed")
    studio.pass_time(31)
    await studio.work()

    assert (await studio.asset(ident))["conversion_status"] == "completed"
    assert figure("marquee_conversion_leases_expired_total") == expired + 1
    assert figure("marquee_conversion_duration_seconds_count", outcome="completed") == took + 1
    assert stale not in await studio.keys()
    for write in (leases.hold, leases.extend):
        with pytest.raises(LeaseLost):
            async with studio.database.transaction(dead.context) as tx:
                await write(tx, dead)


async def test_who_loses_the_lease_stops_and_leaves_no_trace(
    studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))

    async def be_overtaken(command: Command) -> None:
        if "libsvtav1" in command.arguments:
            await studio.shown(ident, "poster_best")  # until nothing else holds the job's row
            studio.ffmpeg.script.clear()
            studio.pass_time(31)
            assert await studio.claim()

    studio.ffmpeg.script.append(be_overtaken)
    await studio.work()

    asset, job = await studio.asset(ident), await studio.job(ident)
    assert asset["conversion_status"] == "processing"
    assert asset["webm_url"] is None
    assert (job["status"], job["worker"], job["retry_count"]) == ("processing", "somebody", 0)
    assert not [key for key in await studio.keys() if key.endswith("webm.webm")]


async def test_a_heartbeat_finds_out_that_the_lease_is_lost(studio: Studio, clip: MakeClip) -> None:
    await studio.upload(await clip("silent"))

    async def be_overtaken(_: Command) -> None:
        studio.pass_time(31)
        assert await studio.claim()
        await asyncio.Event().wait()

    studio.ffmpeg.script.append(be_overtaken)
    worker = studio.another_worker(heartbeat=0.05)
    await asyncio.wait_for(worker.handle([ticket()]), 20)


async def test_a_lease_from_before_the_clock_was_set_back_is_over(
    studio: Studio, clip: MakeClip
) -> None:
    await studio.upload(await clip("silent"))
    studio.pass_time(3600)
    dead = await studio.claim()
    assert dead
    studio.pass_time(-3600)
    job = await studio.claim()
    assert job
    assert (job.id, job.lost_workers) == (dead.id, 1)
    assert await studio.claim() is None, "leased"


async def test_a_heartbeat_keeps_the_lease(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("silent"))
    before = (await studio.job(ident))["lease_expires_at"]
    assert before is None
    job = await studio.claim()
    assert job
    studio.pass_time(20)
    async with studio.database.transaction(job.context) as tx:
        await leases.extend(tx, job)
    studio.pass_time(20)
    assert await studio.claim() is None


async def test_two_workers_never_claim_the_same_job(studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    for _ in range(10):
        await studio.upload(film)

    claimed = await asyncio.gather(*(studio.claim() for _ in range(16)))

    ids = [job.id for job in claimed if job]
    assert len(ids) == len(set(ids)) == 10


async def test_claims_at_once_are_as_fair_as_one_after_another(
    studio: Studio, clip: MakeClip
) -> None:
    film = await clip("silent")
    for context in (HERE, ELSEWHERE):
        for _ in range(8):
            await studio.upload(film, context=context)

    claimed = await asyncio.gather(*(studio.claim() for _ in range(8)))

    assert Counter(job.tenant for job in claimed if job) == {HERE.tenant: 4, ELSEWHERE.tenant: 4}


async def test_jobs_come_by_priority_then_fairness_then_age(studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    oldest, second, third = [await studio.upload(film) for _ in range(3)]
    other = await studio.upload(film, context=ELSEWHERE)
    await studio.databases.as_admin(
        "update converter.queue_jobs set priority = 1 where asset_id = $1", third
    )

    order = [await studio.claim() for _ in range(4)]

    assert [job.asset_id for job in order if job] == [third, other, oldest, second]


async def test_a_job_belongs_to_its_tenant_and_its_story(studio: Studio, clip: MakeClip) -> None:
    await studio.upload(await clip("silent"), context=ELSEWHERE)
    job = await studio.claim()
    assert job
    assert job.context == Context("elsewhere", correlation_id="the story")


async def test_the_sweeper_issues_exactly_the_missing_tickets(
    studio: Studio, clip: MakeClip
) -> None:
    film = await clip("silent")
    for _ in range(3):
        await studio.upload(film)
    assert len(await studio.told(TicketIssued)) == 3
    assert await sweeper(studio).sweep() == 0, "they are on their way"

    await studio.databases.as_admin("delete from converter.outbox")
    studio.bus.ready = 2
    assert await sweeper(studio).sweep() == 1
    assert len(await studio.told(TicketIssued)) == 1


async def test_the_sweeper_sees_expired_leases_and_due_retries(
    studio: Studio, clip: MakeClip
) -> None:
    await studio.upload(await clip("silent"))
    await studio.claim()
    await studio.databases.as_admin("delete from converter.outbox")
    assert await sweeper(studio).sweep() == 0
    studio.pass_time(31)
    assert await sweeper(studio).sweep() == 1


async def test_only_one_sweeper_leads(studio: Studio, clip: MakeClip) -> None:
    await studio.upload(await clip("silent"))
    await studio.databases.as_admin("delete from converter.outbox")
    issued = await asyncio.gather(*(sweeper(studio).sweep() for _ in range(8)))
    assert sum(issued) == 1


async def test_a_sweeper_waits_for_the_bus(studio: Studio) -> None:
    studio.bus.away = True
    assert await sweeper(studio).sweep() == 0


async def test_a_film_that_ends_its_workers_fails_in_the_end(
    studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    for _ in range(MOST_LOST_WORKERS + 1):
        assert await studio.claim(), "its worker is lost each time"
        studio.pass_time(31)

    await studio.work()

    asset, job = await studio.asset(ident), await studio.job(ident)
    assert (asset["conversion_status"], asset["conversion_error_code"]) == ("failed", "worker_lost")
    assert (job["status"], job["retry_count"]) == ("failed", 0)
    assert not studio.ffmpeg.commands
    studio.pass_time(1000)
    assert await studio.claim() is None


async def test_one_that_comes_further_does_not_end_its_workers(
    studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    for _ in range(MOST_LOST_WORKERS):
        assert await studio.claim()
        studio.pass_time(31)

    async def fail_at_webm(command: Command) -> None:
        if "libsvtav1" in command.arguments:
            await studio.shown(ident, "poster_best")
            raise ConversionFailed(Failure("no_luck", "No luck."))

    studio.ffmpeg.script.append(fail_at_webm)
    await studio.work()

    assert (await studio.job(ident))["lost_workers"] == 0, "a rendition was published meanwhile"


async def test_so_does_one_that_ends_the_only_process(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("silent"))
    for _ in range(MOST_LOST_WORKERS + 1):
        assert await studio.claim()
        async with studio.database.system_transaction() as tx:
            await leases.release_all(tx)

    await studio.work()

    assert (await studio.asset(ident))["conversion_error_code"] == "worker_lost"
