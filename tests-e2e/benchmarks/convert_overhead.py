"""``convert_overhead``, ``convert_backlog``: against the very same ffmpeg commands in a script."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import films
from benchmarks.bench import PAIRS_OF_LONG, Bench
from benchmarks.figures import alone, at_most, compared, times_at_most
from benchmarks.stage import Product
from benchmarks.usage import watched
from services.converter.attempt import FILMS
from services.converter.domain.probe import INPUT

NOBODY = 65534
"""The account that owns nothing, by its number everywhere."""

TARGETS = {
    "convert_overhead": times_at_most(1.05, "s"),
    "convert_backlog": times_at_most(1.10, "s"),
    "convert_backlog.memory": at_most(1.2, "x the memory of a tenth"),
}


async def measure(bench: Bench) -> None:
    """One film, and then 100 short ones at once; one slot each, as many as a script has."""
    film = await films.film(bench)
    many = bench.size(100, 10)
    async with bench.stage.product(MARQUEE_CONVERTER_SLOTS="1") as product:

        async def ours(sources: Sequence[Path]) -> tuple[float, int]:
            async with watched(*product.pids) as usage:
                seconds = await _converted(product, [films.renewed(each) for each in sources])
            return seconds, usage.peak

        async def theirs(sources: Sequence[Path]) -> tuple[float, int]:
            return await _by_script(sources), 0

        one = await bench.pairs(
            lambda: ours([film]), lambda: theirs([film]), pairs=PAIRS_OF_LONG, warm=False
        )
        bench.report(compared("convert_overhead", TARGETS, one, lambda each: each[0]))
        short = await films.short_films(bench, many)
        _, few = await ours(short[: many // 10])
        backlog = await bench.pairs(
            lambda: ours(short), lambda: theirs(short), pairs=PAIRS_OF_LONG, warm=False
        )
    bench.report(compared("convert_backlog", TARGETS, backlog, lambda each: each[0]))
    growth = [peak / few for _, peak in backlog.ours]
    bench.report(
        alone("convert_backlog.memory", TARGETS, growth, peak_mib=backlog.ours[-1][1] >> 20)
    )


async def _converted(product: Product, sources: Sequence[Path]) -> float:
    """Seconds from the first upload until all are completed."""
    client = product.client
    began = time.perf_counter()
    async with client.socket("assets") as socket:
        missing = {asset["id"] for asset in await asyncio.gather(*map(client.upload, sources))}
        while missing:
            event = await socket.event("converter.asset.status_changed", within=900)
            assert event["data"]["status"] != "failed", event
            if event["data"]["status"] == "completed":
                missing.discard(event["data"]["asset_id"])
    for source in sources:
        source.unlink()
    return time.perf_counter() - began


async def _by_script(sources: Sequence[Path]) -> float:
    """Seconds of a shell script that runs all commands for one film, and then for the next.

    Pictures beside films, as in the product. As somebody without privileges, as there: as root,
    SVT-AV1 gives its threads real-time priority, and nothing else on the machine gets a turn before
    them.
    """
    nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    with TemporaryDirectory() as place:
        lines = ["set -e"]
        shutil.copy(films.FFMPEG, Path(place) / "ffmpeg")
        for number, source in enumerate(sources):
            shutil.copy(source, Path(place) / f"{number}.mp4")
            lines.append(f"cp {number}.mp4 {INPUT}")
            lines += _lanes(source)
        (Path(place) / "script").write_text("\n".join(lines))
        Path(place).chmod(0o777)
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec("sh", "script", cwd=place, **nobody)
        if await process.wait():
            logs = sorted(Path(place).glob("*.log"))
            raise RuntimeError("\n".join(log.read_text()[-2000:] for log in logs))
        return time.perf_counter() - began


def _lanes(source: Path) -> list[str]:
    """What makes films and what makes pictures, each beside the other, and the end of both."""
    made = films.commands_for(source)
    lines = []
    for lane, are_films in (("films", True), ("pictures", False)):
        commands = [
            f"./ffmpeg {shlex.join(command.arguments)} >{lane}.report 2>{lane}.log"
            for recipe in made
            for command in recipe.commands
            if (recipe.rendition in FILMS) is are_films
        ]
        lines.append(f"({' && '.join(commands)}) & {lane}=$!")
    return [*lines, "wait $films", "wait $pictures"]
