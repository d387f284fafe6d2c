"""``presets``: what encoders and settings make of five kinds of film, against the peer's recipe.

The evidence for what ``services/converter/domain/recipes.py`` chooses. It takes long, so it is
measured only when it is named; ``BENCH_FILMS=grain,screen`` takes some of the films. A line's ratio
is that of the times; those of the CPU, bytes and VMAF are told beside.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import films
from benchmarks.bench import Bench
from benchmarks.convert import PEER
from benchmarks.figures import Pairs, compared, times_at_most

_ZOOM = "mandelbrot=rate=24:maxiter=200:end_scale=0.3"
_FIGURE = "testsrc2=rate=24"

FILMS = {
    "animation": "gradients=size=1920x1080:rate=24:nb_colors=6:seed=1:speed=0.02[shades];"
    f"{_FIGURE}:size=640x360[figure];[shades][figure]overlay=100+90*t:300+40*sin(2*t)",
    "grain": f"{_ZOOM}:size=640x360,scale=1920:1080:flags=bicubic,noise=alls=6:allf=t+u:all_seed=1",
    "screen": "cellauto=size=1920x1080:rate=1:rule=110:random_seed=1:ratio=0.5,fps=24[lines];"
    f"{_FIGURE}:size=480x270[window];[lines][window]overlay=100:700",
    "motion": f"{_ZOOM}:size=480x270,scale=1920:1080:flags=bicubic,"
    "scroll=horizontal=0.02:vertical=0.008",
    "portrait": f"{_ZOOM}:size=270x480,scale=1080:1920:flags=bicubic[zoom];"
    f"{_FIGURE}:size=360x640[figure];[zoom][figure]overlay=600:1100",
}
"""A figure on shades, noise, lines that move on once a second, a pan, and a phone's film."""


def _av1(preset: int, crf: int) -> list[str]:
    return ["-c:v", "libsvtav1", "-preset", str(preset), "-crf", str(crf)]


def _vp9(speed: int, crf: int) -> list[str]:
    constant = ["-c:v", "libvpx-vp9", "-crf", str(crf), "-b:v", "0", "-deadline", "good"]
    return [*constant, "-cpu-used", str(speed), "-row-mt", "1", "-tile-columns", "2"]


CANDIDATES = {
    "av1_8_42": _av1(8, 42),
    "av1_9_35": _av1(9, 35),
    "av1_9_38": _av1(9, 38),
    "av1_9_42": _av1(9, 42),
    "av1_9_46": _av1(9, 46),
    "av1_10_38": _av1(10, 38),
    "vp9_4_33": _vp9(4, 33),
    "vp9_4_38": _vp9(4, 38),
    "vp9_5_38": _vp9(5, 38),
}
"""By encoder, preset and CRF."""

TARGETS = {
    f"presets.{film}.{name}": times_at_most(0.20 if name.startswith("av1") else 1.0, "s")
    for film in FILMS
    for name in CANDIDATES
}


class Encoded(NamedTuple):
    """A WebM without sound: what it took, how large it is, and how close to its source."""

    seconds: float
    cpu: float
    megabytes: float
    vmaf: float


async def measure(bench: Bench) -> None:
    """Each candidate once on each film; the peer's recipe has no turn beside each of them."""
    named = os.environ.get("BENCH_FILMS")
    for film in named.split(",") if named else FILMS:
        source = bench.directory / f"{film}.mp4"
        await films.draw(source, FILMS[film], seconds=bench.size(4, 1))
        peer = await _encoded(source, PEER)
        for name, encoder in CANDIDATES.items():
            ours = await _encoded(source, encoder)
            size = round(ours.megabytes / peer.megabytes, 2)
            cpu = round(ours.cpu / peer.cpu, 2)
            scores = {"vmaf": ours.vmaf, "vmaf_of_peer": peer.vmaf}
            notes = {"bytes_ratio": size, "cpu_ratio": cpu, **scores}
            pairs = Pairs([ours], [peer])
            figure = f"presets.{film}.{name}"
            bench.report(compared(figure, TARGETS, pairs, lambda each: each.seconds, **notes))
            beside = f"{cpu} x the CPU, {size} x the bytes"
            print(f"    {beside}, VMAF {ours.vmaf:.1f} against {peer.vmaf:.1f}", flush=True)


async def _encoded(source: Path, encoder: list[str]) -> Encoded:
    target = source.with_suffix(".webm")
    began, cpu = time.perf_counter(), _cpu()
    await films.run("-i", str(source), *encoder, "-pix_fmt", "yuv420p", "-an", str(target))
    seconds, cpu = time.perf_counter() - began, _cpu() - cpu
    return Encoded(seconds, cpu, target.stat().st_size / 1e6, await films.vmaf(target, source))


def _cpu() -> float:
    """Seconds that our children took, once they had ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
