"""Whatever is killed when: nothing is lost, nothing is archived twice, and the next one goes on."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from services.audit.domain.archive import Archive
from services.audit.offline import verify_file
from services.audit.tests.conftest import KEY, Trail, World
from services.audit.tests.victim import STEPS

WITNESSED = 601

LEADS = (
    "select from pg_locks join pg_database d on d.oid = database"
    " where locktype = 'advisory' and datname = current_database()"
)


async def killed(trail: Trail, step: str) -> None:
    """Archive in another process, which is killed after a step."""
    victim = ("-m", "services.audit.tests.victim", trail.databases.dsn, str(trail.outside), step)
    process = await asyncio.create_subprocess_exec(sys.executable, *victim)
    assert await asyncio.wait_for(process.wait(), 120) == -signal.SIGKILL
    async with asyncio.timeout(30):
        while await trail.databases.as_admin(LEADS):  # until its session is noticed to be gone
            await asyncio.sleep(0.05)


async def once_each(trail: Trail) -> None:
    """Every entry is either in the database, or in an archive that is where it was noted."""
    gone = await trail.databases.as_admin("select max(last_seq) from audit.history_removals")
    floor = gone[0][0] or 0
    kept: list[Archive] = await trail.archived()
    online = await trail.online()
    assert online == list(range(floor + 1, online[-1] + 1))
    assert online[-1] >= WITNESSED
    for archive in kept:
        verified = verify_file(trail.outside / archive.object_key, KEY.public_key())
        assert verified.entries == archive.entries
    assert (await trail.examine()).ok


@pytest.mark.parametrize("step", STEPS)
async def test_a_kill_costs_nothing(trail: Trail, world: World, step: str) -> None:
    await trail.grow_old(world, 300, 300)
    await killed(trail, step)
    await once_each(trail)
    await killed(trail, step)
    await once_each(trail)
    assert await trail.archivist.look()
    await once_each(trail)
    assert [(each.first, each.last) for each in await trail.archived()] == [(1, 256), (257, 512)]
    told = await trail.entries(action="entries_archived")
    assert [each["metadata"]["last_seq"] for each in told] == [256, 512]
    files = list((trail.outside / "default/audit/archives").iterdir())
    assert len(files) == 2
