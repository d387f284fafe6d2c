"""What is converted: a film of 30 s at 1080p made by ffmpeg's own sources, or one that is given."""

from __future__ import annotations

import asyncio
import os
import re
import struct
from pathlib import Path

import imageio_ffmpeg

from benchmarks.bench import Bench
from harness.clips import make_clip
from services.converter.domain.recipes import Recipe, recipes
from services.converter.probing.child import probe

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

RATE = 24
"""Pictures a second, of what is made here and of what the peer's recipe makes."""

PICTURE = (
    "life=size=160x90:rate=8:ratio=0.1:mold=10:random_seed=1:death_color=#C83232:life_color=#20C060,"
    "trim=start=8,setpts=PTS-STARTPTS,tmix=frames=3,framerate=fps=24,"
    "scale=1920:1080:flags=bicubic[cells];"
    "testsrc2=size=320x180:rate=24[figure];[cells][figure]overlay=1500:840"
)
"""Soft shapes that grow, move and fade everywhere, and beside them text and edges.

To encode, like a film that was drawn. Harder pictures are in ``presets``.
"""


async def film(bench: Bench) -> Path:
    """The film of this run; made once."""
    if bench.clip:
        return bench.clip
    target, seconds = bench.directory / "film.mp4", bench.size(30, 2)
    if not target.exists():
        await draw(target, PICTURE, seconds=seconds)
    return target


async def draw(target: Path, graph: str, *, seconds: float) -> None:
    """Make a film of what a graph of ffmpeg's filters draws, with a tone."""
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
    codecs = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "6M"]
    await run(
        *("-f", "lavfi", "-i", graph, *tone, "-t", str(seconds), *codecs, "-c:a", "aac"),
        str(target),
    )


async def short_films(bench: Bench, number: int) -> list[Path]:
    """So many films of a second, no two of the same bytes."""
    first = bench.directory / "second.mp4"
    if not first.exists():
        await asyncio.to_thread(make_clip, first, seconds=1, size="320x180")
    return [renewed(first) for _ in range(number)]


def renewed(source: Path, size: int = 16) -> Path:
    """The same film with other bytes: a box at its end that players pass over.

    So the product has never seen it. ``size`` is how many bytes the box holds.
    """
    target = source.with_name(f"{source.stem}-{os.urandom(6).hex()}.mp4")
    box = struct.pack(">I4s", 8 + size, b"free") + os.urandom(16)
    with target.open("wb") as file:
        file.write(source.read_bytes() + box)
        file.truncate(source.stat().st_size + 8 + size)
    return target


def commands_for(source: Path) -> tuple[Recipe, ...]:
    """The very commands that the product runs for a film."""
    return recipes(probe(source, decode=True), "av1")


async def run(*arguments: str, directory: Path | None = None) -> str:
    """Run ffmpeg; return what it said. Raises RuntimeError."""
    process = await asyncio.create_subprocess_exec(
        *(FFMPEG, "-nostdin", "-hide_banner", "-y", *arguments),
        cwd=directory,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    said = (await process.communicate())[1].decode(errors="replace")
    if process.returncode:
        raise RuntimeError(said[-2000:])
    return said


async def vmaf(converted: Path, source: Path) -> float:
    """How close a conversion comes to its source (100 is the same), by every fifth picture.

    WebM rounds times to milliseconds: by its own, a picture would be held against the one before.
    """
    same_times = f"[0:v]fps={RATE}[a];[1:v]fps={RATE}[b]"
    said = await run(
        *("-i", str(converted), "-i", str(source), "-lavfi"),
        *(f"{same_times};[a][b]libvmaf=n_threads=2:n_subsample=5", "-f", "null", "-"),
    )
    found = re.search(r"VMAF score: ([\d.]+)", said)
    if found is None:
        raise RuntimeError(said[-2000:])
    return float(found[1])
