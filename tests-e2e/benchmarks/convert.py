"""``convert_speed``, ``first_preview``, ``convert_again``: a film, from its upload to its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import films
from benchmarks.bench import PAIRS_OF_LONG, Bench
from benchmarks.figures import alone, at_most, compared, times_at_least, times_at_most
from benchmarks.stage import Product
from benchmarks.usage import watched
from harness.client import Socket

TARGETS = {
    "convert_speed": times_at_most(0.20, "s"),
    "convert_speed.vmaf": times_at_least(1.0, "VMAF"),
    "convert_speed.bytes": times_at_most(1.0, "MB"),
    "first_preview.thumbnail": at_most(1, "s"),
    "first_preview.gif": at_most(6, "s"),
    "convert_again": at_most(1, "s"),
}

PEER = [
    *("-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "1800k", "-maxrate", "2700k"),
    *("-minrate", "900k", "-bufsize", "2700k", "-g", "96", "-keyint_min", "96", "-speed", "2"),
]
"""MediaCMS's recipe for VP9 at 1080p and 24 pictures a second."""

SCRIPT = f"""set -e
fit="scale=w=1920:h=1080:force_original_aspect_ratio=decrease:flags=lanczos"
small="fps=12,scale=480:-2:flags=lanczos"
ffmpeg="$0 -nostdin -v error -y"
$ffmpeg -i "$1" -vf "$fit,fps={films.RATE}" -pix_fmt yuv420p {" ".join(PEER)} \\
  -c:a libopus -b:a 96k -ac 2 peer.webm
$ffmpeg -t 10 -i "$1" -vf "$small,split[a][b];[a]palettegen[p];[b][p]paletteuse" peer.gif
$ffmpeg -i "$1" -frames:v 1 peer.jpg
"""
"""What others do: that recipe, a plain GIF with a palette, and a JPEG."""


@dataclass
class Done:
    """One conversion: seconds until each part was there, its WebM, and how close that comes."""

    seconds: float
    webm: Path
    previews: dict[str, float] = field(default_factory=dict)
    again: float = 0

    @property
    def megabytes(self) -> float:
        """Of the WebM."""
        return self.webm.stat().st_size / 1e6


async def measure(bench: Bench) -> None:
    """Each time a film of other bytes; and once more the same, which must cost nothing."""
    source = await films.film(bench)
    async with bench.stage.product() as product:
        notes: dict[str, float] = {}

        async def ours() -> Done:
            async with watched(*product.pids) as usage:
                done = await _converted(bench, product, films.renewed(source))
            notes.update(usage.notes())
            return done

        async def theirs() -> Done:
            return await _by_script(bench, source)

        pairs = await bench.pairs(ours, theirs, pairs=PAIRS_OF_LONG, warm=False)
    scores = {each.webm: await films.vmaf(each.webm, source) for each in (*pairs.ours, *pairs.bare)}
    bench.report(compared("convert_speed", TARGETS, pairs, lambda each: each.seconds, **notes))
    bench.report(compared("convert_speed.vmaf", TARGETS, pairs, lambda each: scores[each.webm]))
    bench.report(compared("convert_speed.bytes", TARGETS, pairs, lambda each: each.megabytes))
    for name in ("thumbnail", "gif"):
        seconds = [each.previews[name] for each in pairs.ours]
        bench.report(alone(f"first_preview.{name}", TARGETS, seconds))
    bench.report(alone("convert_again", TARGETS, [each.again for each in pairs.ours]))


async def _converted(bench: Bench, product: Product, film: Path) -> Done:
    client = product.client
    async with client.socket("assets") as socket:
        asset = await client.upload(film)
        began = time.perf_counter()
        previews = {}
        for name in ("thumbnail", "gif"):
            await socket.event(
                "converter.asset.rendition_ready", asset_id=asset["id"], rendition=name
            )
            previews[name] = time.perf_counter() - began
        await _completed(socket, asset["id"])
        seconds = time.perf_counter() - began
        twin = await client.upload(film)
        began = time.perf_counter()
        await _completed(socket, twin["id"])
        again = time.perf_counter() - began
    # Nothing was run for it: of what ffmpeg says there is a log, and here there must be none.
    await client.get(f"/api/admin/assets/{twin['id']}/conversion-log", expect=404)
    status, webm, _ = await client.fetch((await client.asset(asset["id"]))["webm_url"])
    assert status == 200
    target = bench.directory / f"{asset['id']}.webm"
    target.write_bytes(webm)
    film.unlink()
    return Done(seconds, target, previews, again)


async def _completed(socket: Socket, ident: str) -> None:
    await socket.event(
        "converter.asset.status_changed", asset_id=ident, status="completed", within=600
    )


async def _by_script(bench: Bench, source: Path) -> Done:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", SCRIPT, films.FFMPEG, str(source)), cwd=bench.directory
    )
    if await process.wait():
        raise RuntimeError("the script of the baseline failed")
    seconds = time.perf_counter() - began
    return Done(seconds, (bench.directory / "peer.webm").rename(bench.directory / f"{began}.webm"))
