"""The converter's processes break."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

from faults import ledger
from faults.failpoints import LEASE_SECONDS, MISBEHAVIOUR, WALL_CLOCK
from faults.fault import Fault, Scene
from faults.site import WORKERS
from faults.supervisor import Member
from harness.clips import make_clip
from harness.launch import working_in
from harness.waiting import eventually

GROWTH = 128 << 20
"""Bytes by which a service may grow while it is tormented."""

GRACE = 15
"""Seconds in which a process that was asked to has stopped."""


_LIMIT = 35.0
"""Seconds that a conversion may take, where some take for ever."""


async def check_not_charged(scene: Scene, since: float) -> None:
    """No conversion of what was uploaded since then lost a try or a worker."""
    uploads = [
        call.answer["id"] for call in scene.load.history.of("upload") if call.invoked >= since
    ]
    async with ledger.opened(scene.site) as books:
        charged = await books.rows(
            "select asset_id, retry_count, lost_workers, error_code from converter.queue_jobs"
            " where retry_count + lost_workers > 0 and asset_id::text = any($1)",
            uploads,
        )
    for job in charged:
        scene.expect(False, f"I3: a conversion was charged: {dict(job)}")


async def kill_while_converting(scene: Scene) -> None:
    """``kill -9`` of a worker in the middle of ffmpeg.

    Survived by: the lease, which runs out; the sweeper, which issues a ticket for it; the token,
    which fences a late writer; and the parent-death signal, which takes ffmpeg along.
    """
    asset, victim = await busy_with_a_long_film(scene)
    killed = time.time()
    await victim.kill()

    async def gone() -> None:
        assert not working_in(victim.home), "I7: ffmpeg outlived its worker"

    await eventually(gone, within=5)
    await scene.load.ended(asset, within=LEASE_SECONDS + 100)
    scene.recovered = time.time() - killed


async def stop_while_converting(scene: Scene) -> None:
    """SIGTERM to a worker in the middle of ffmpeg, as when it is replaced by a newer version.

    Survived by: the order of stopping. The consumer is cancelled first, then ffmpeg is ended and
    the job given back without spending a try.
    """
    asset, victim = await busy_with_a_long_film(scene)
    stopped, lives = time.time(), len(victim.codes)
    victim.signal(signal.SIGTERM)
    async with asyncio.timeout(GRACE):
        while len(victim.codes) == lives:
            await asyncio.sleep(0.05)
    scene.expect(victim.codes[-1] == 0, f"I7: it ended with {victim.codes[-1]}")
    scene.expect(not working_in(victim.home), "I7: ffmpeg outlived its worker")
    await scene.load.ended(asset, within=100)
    scene.recovered = time.time() - stopped
    async with ledger.opened(scene.site) as books:
        (job,) = await books.rows(
            "select retry_count, lost_workers from converter.queue_jobs where asset_id = $1",
            UUID(asset),
        )
    scene.expect(tuple(job) == (0, 0), f"I3: a stop was charged to the job: {dict(job)}")


async def busy_with_a_long_film(scene: Scene, *, seconds: float = 8) -> tuple[str, Member]:
    """Upload a film that takes some seconds; return it, and the process that is at it."""
    path = scene.site.directory / "long.mp4"
    film = await asyncio.to_thread(make_clip, path, seconds=seconds)
    call = await scene.load.uploader.upload(film.read_bytes())
    asset = call.answer["id"]
    async with asyncio.timeout(200):
        while (await scene.load.client.asset(asset))["thumbnail_url"] is None:
            await asyncio.sleep(0.1)
    async with ledger.opened(scene.site) as books:
        worker = await books.one(
            "select worker from converter.queue_jobs where asset_id = $1", UUID(asset)
        )
    return asset, _member(scene, worker)


def _member(scene: Scene, worker: str) -> Member:
    """Whose scratch space has that name."""
    homes = {name: scene.site.members[name].home for name in (*WORKERS, "converter")}
    (name,) = [
        name
        for name, home in homes.items()
        if (home / "work/converter" / f"{worker}.lock").exists()
    ]
    return scene.site.members[name]


async def stuck_ffmpeg(scene: Scene) -> None:
    """ffmpeg is frozen; writes 100 MB of errors, forks and will not end; ends and leaves a child.

    Survived by: the wall clock of a conversion, which ends the whole process group; pipes that are
    emptied whoever holds them, of which only so much is kept; and another try, made in a hurry.
    """
    converters = [scene.site.members[name] for name in ("converter", *WORKERS)]
    await asyncio.gather(*(each.restart(**{WALL_CLOCK: f"{_LIMIT:g}"}) for each in converters))
    try:
        asset, victim = await busy_with_a_long_film(scene)
        sizes = {each.name: resident(each.pid) for each in converters}
        frozen = await _freeze(victim)
        began = time.time()
        for script, other in zip(MISBEHAVIOUR, _others(converters, victim), strict=True):
            other.arm(script)
        await scene.load.ended(asset, within=_LIMIT + 60)
        scene.recovered = time.time() - began
        await eventually(partial(_timed_out, scene, began, 2), within=_LIMIT + 30)
        for each in converters:
            grown = resident(each.pid) - sizes[each.name]
            scene.expect(grown < GROWTH, f"I7: {each.name} grew by {grown >> 20} MiB")
            scene.expect(not any(each.armed.iterdir()), f"F17: nothing stuck at {each.name}")
        scene.expect(frozen not in working_in(victim.home), "I7: it is still there")
    finally:
        for each in converters:
            del each.environment[WALL_CLOCK]
            each.signal(signal.SIGTERM)  # what clings to one that is killed outlives it
        await asyncio.gather(*(each.up() for each in converters))


async def _freeze(victim: Member) -> int:
    """Stop the ffmpeg that works for it, between two of which there may be none."""
    async with asyncio.timeout(20):
        while True:
            for pid in filter(_is_ffmpeg, working_in(victim.home)):
                os.kill(pid, signal.SIGSTOP)
                return pid
            await asyncio.sleep(0.02)


def _others(members: Sequence[Member], one: Member) -> list[Member]:
    return [member for member in members if member is not one]


async def _timed_out(scene: Scene, since: float, times: int) -> None:
    """Who was frozen, and who would not end; on a busy machine, others may be late as well."""
    async with ledger.opened(scene.site) as books:
        timeouts = await books.one(
            "select coalesce(sum(timeouts), 0) from converter.queue_jobs"
            " where created_at > to_timestamp($1) - interval '1 minute'",
            since,
        )
    assert timeouts >= times, f"I3: {timeouts} timeouts instead of {times}"


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def _is_ffmpeg(pid: int) -> bool:
    try:
        return b"ffmpeg" in Path(f"/proc/{pid}/comm").read_bytes()
    except OSError:
        return False


FAULTS = [
    Fault("F14", "worker killed in the middle of ffmpeg", kill_while_converting, quick=True),
    Fault("F15", "worker asked to stop in mid-conversion", stop_while_converting, quick=True),
    Fault("F17", "ffmpeg frozen, clinging, leaving children behind", stuck_ffmpeg),
]
