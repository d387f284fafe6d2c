"""A hundred films queued at once: each tenant gets its share, and no more memory is taken."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from services.converter.domain.probe import Probe, Video
from services.converter.domain.recipes import Command
from services.converter.ffmpeg import Ffmpeg
from services.converter.probing.prober import Prober
from services.converter.tests.conftest import BINARY
from services.converter.tests.studio import HERE, Studio, ticket

FILMS, SLOTS = 100, 4
MOST_MEMORY = 96 * 1024
"""KiB that a hundred films may add to this process."""


@dataclass(frozen=True, slots=True)
class Painter(Ffmpeg):
    """Stands where the process would, and counts how many stand there at once."""

    at_work: list[int] = field(default_factory=lambda: [0, 0])

    async def run(self, command: Command, directory: Path, **_: Any) -> str:
        """Write something, after a moment."""
        self.at_work[0] += 1
        self.at_work[1] = max(self.at_work)
        await asyncio.sleep(0.002)
        (directory / command.arguments[-1]).write_bytes(b"a picture")
        self.at_work[0] -= 1
        return ""


class Guesser(Prober):
    """Knows what is in a film without a look."""

    async def examine(self, directory: Path) -> Probe:
        """Always the same."""
        assert directory.is_dir()
        return Probe(Video(0, "h264", "yuv420p", 320, 240), None, 1.0, decodes=True)


async def test_a_hundred_films_of_two_tenants(studio: Studio, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"moving pictures")
    for tenant, count in (("greedy", FILMS - 20), ("modest", 20)):
        for _ in range(count):
            await studio.upload(film, context=replace(HERE, tenant=tenant))
    painter = Painter(BINARY, studio.sandbox)
    shop = replace(studio.workshop, ffmpeg=painter, prober=Guesser(studio.sandbox))
    worker = studio.another_worker(workshop=shop)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    all_free = asyncio.Barrier(SLOTS)

    async def slot() -> None:
        for _ in range(FILMS // SLOTS):
            await all_free.wait()
            await worker.handle([ticket()])

    async with asyncio.timeout(120):
        await asyncio.gather(*(slot() for _ in range(SLOTS)))

    rows = await studio.databases.as_admin(
        "select tenant_id, status from converter.queue_jobs order by started_at"
    )
    assert Counter(row["status"] for row in rows) == {"completed": FILMS}
    assert [row["tenant_id"] for row in rows[:40]] == ["greedy", "modest"] * 20, (
        "turn by turn, though one came first with four times more"
    )
    now, most = painter.at_work
    assert (now, 1 < most <= 2 * SLOTS) == (0, True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY
    assert list(studio.scratch.own.iterdir()) == []
