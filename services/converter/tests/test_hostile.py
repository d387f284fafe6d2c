"""Films made to do harm: each is refused, or converted, within limits, and reaches nothing else."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from services.converter.domain import probe as p
from services.converter.domain.recipes import recipes
from services.converter.ffmpeg import ConversionFailed, Ffmpeg
from services.converter.probing.prober import Prober
from services.converter.tests.conftest import BINARY, MakeClip, ffmpeg
from services.converter.tests.test_fuzz import FTYP, canary, scripts
from shared.runtime.sandbox import Sandbox

Workplace = Callable[[Path | bytes], Path]

CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl")
PASSWD = b"root:x:0:0"


STILL = recipes(p.Probe(p.Video(0, "h264", "yuv420p", 320, 240), None, 1.0), "av1")[0].commands[0]


async def refusal(directory: Path, sandbox: Sandbox) -> str | None:
    """The code with which a file is refused by the deep look; None if it is not."""
    probe = await Prober(sandbox).examine(directory)
    if probe is None:
        return "unreadable"
    try:
        p.accept(probe)
    except p.Unconvertible as refused:
        return refused.code
    return None


async def convert(directory: Path, sandbox: Sandbox) -> str | None:
    """Make a still of what lies there, as if nobody had looked; what ffmpeg says if it fails.

    All commands read with the same care (``test_domain``), so that it is enough to try one.
    """
    try:
        await Ffmpeg(BINARY, sandbox).run(STILL, directory, seconds=60)
    except ConversionFailed as failed:
        return f"{failed.failure.code}: {failed.log}"
    return None


def reached(directory: Path) -> bool:
    """Whether anything of a file of the system is in what came out."""
    return any(PASSWD in path.read_bytes() for path in directory.iterdir())


def boxes(film: bytes, kind: bytes, start: int = 0, end: int | None = None) -> list[int]:
    """Where the boxes of a kind begin, on every level."""
    found, at = [], start
    while at < (len(film) if end is None else end):
        size, name = struct.unpack_from(">I4s", film, at)
        if name == kind:
            found.append(at)
        if name in CONTAINERS:
            found += boxes(film, kind, at + 8, at + size)
        at += size
    return found


def grown(film: bytes, around: int, at: int, content: bytes, *, instead_of: int = 0) -> bytes:
    """The film with other bytes somewhere in the box at ``around``; all boxes outside it grow.

    The index must come last, or its offsets would be wrong.
    """
    changed = bytearray(film)
    more = len(content) - instead_of
    outside = [each for kind in (*CONTAINERS, b"stsd", b"dref") for each in boxes(film, kind)]
    for each in {*outside, around}:
        (size,) = struct.unpack_from(">I", film, each)
        if each <= at < each + size:
            struct.pack_into(">I", changed, each, size + more)
    changed[at : at + instead_of] = content
    return bytes(changed)


def referring(film: bytes, kind: bytes, target: str) -> bytes:
    """The film, whose media data is said to lie in another file."""
    dref = boxes(film, b"dref")[0]
    entry = dref + 16
    (size,) = struct.unpack_from(">I", film, entry)
    if kind == b"url ":
        told = target.encode() + b"\0"
    else:  # an alias of the Finder: ends with the absolute path
        path, name = target.encode(), Path(target).name.encode()
        alias = bytearray(150)
        struct.pack_into(">HH", alias, 4, 150 + len(path) + 6, 2)
        alias[50 : 51 + len(name)] = bytes((len(name),)) + name
        told = bytes(alias) + struct.pack(">HH", 2, len(path)) + path + b"\xff\xff"
    box = struct.pack(">I4sI", 12 + len(told), kind, 0) + told
    return grown(film, dref, entry, box, instead_of=size)


@pytest.mark.parametrize("kind", [b"url ", b"alis"])
async def test_media_data_elsewhere_is_not_fetched(
    kind: bytes, clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    film = (await clip("silent")).read_bytes()
    async with canary() as (bait, heard):
        for target in ("/etc/passwd", "file:///etc/passwd", bait):
            directory = workplace(referring(film, kind, target))
            await refusal(directory, sandbox)
            await convert(directory, sandbox)
            assert not reached(directory)
        assert heard == []


@pytest.mark.parametrize("disguise", ["plain", "ftyp first", "after a film"])
async def test_scripts_are_not_followed(
    disguise: str, clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    film = (await clip("silent")).read_bytes()
    async with canary() as (bait, heard):
        for script in [*scripts(bait), *scripts("file:///etc/passwd")[:2]]:
            before = {"plain": b"", "ftyp first": FTYP, "after a film": film}[disguise]
            directory = workplace(before + script)
            failure = await convert(directory, sandbox)
            assert (failure is None) == (disguise == "after a film"), "which is a film all the same"
            assert not reached(directory)
        if disguise != "after a film":
            assert await refusal(directory, sandbox) in ("not_iso_media", "truncated")
        assert heard == []


def exp_golomb(value: int) -> str:
    """``ue(v)`` of ITU-T H.264, section 9.1."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def sequence_parameters(width: int, height: int) -> bytes:
    """A baseline SPS (ITU-T H.264, section 7.3.2.1) for frames of any size."""
    bits = "".join(map(exp_golomb, (0, 0, 2, 1))) + "0"  # id, frame number, order, references
    bits += exp_golomb(width // 16 - 1) + exp_golomb(height // 16 - 1)
    bits += "1100" + "1"  # frames only, direct 8x8, no cropping, nothing else; stop
    bits += "0" * (-len(bits) % 8)
    payload = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    escaped = payload.replace(b"\0\0\0", b"\0\0\3\0").replace(b"\0\0\1", b"\0\0\3\1")
    return bytes((0x67, 66, 0, 62)) + escaped


def claiming(film: bytes, width: int, height: int, *, openly: bool) -> bytes:
    """The film with frames of another size: ``openly`` in its tables, and always in its codec."""
    if openly:
        at = film.index(b"avc1", film.index(b"stsd")) + 28
        film = (
            film[:at] + struct.pack(">HH", min(width, 65535), min(height, 65535)) + film[at + 4 :]
        )
    avcc = film.index(b"avcC") - 4
    (old,) = struct.unpack_from(">H", film, avcc + 14)
    sps = sequence_parameters(width, height)
    avc1 = film.index(b"avc1", film.index(b"stsd")) - 4
    (size,) = struct.unpack_from(">I", film, avc1)
    film = grown(film, avcc, avcc + 14, struct.pack(">H", len(sps)) + sps, instead_of=2 + old)
    changed = bytearray(film)
    struct.pack_into(">I", changed, avc1, size + len(sps) - old)
    return bytes(changed)


@pytest.mark.parametrize("openly", [True, False])
@pytest.mark.parametrize("side", [100_000, 16_000])
async def test_pictures_of_any_size_cost_no_memory(
    side: int, openly: bool, clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    film = claiming((await clip("silent")).read_bytes(), side, side, openly=openly)
    directory = workplace(film)
    assert await refusal(directory, sandbox) in ("too_many_pixels", "undecodable", "unreadable")
    assert (await convert(directory, sandbox) or "").startswith("ffmpeg_failed")


async def test_ten_thousand_streams_are_refused(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    film = (await clip("silent")).read_bytes()
    [moov], [trak] = boxes(film, b"moov"), boxes(film, b"trak")
    (size,) = struct.unpack_from(">I", film, trak)
    crowded = grown(film, moov, trak, film[trak : trak + size] * 10_000)
    directory = workplace(crowded)
    assert await refusal(directory, sandbox) == "truncated"
    assert (await convert(directory, sandbox) or "").startswith("ffmpeg_failed")


async def test_a_million_frames_a_second_become_sixty(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    source = await clip("silent")
    fast = bytearray(source.read_bytes())
    scale = fast.index(b"mdhd") + 16
    (ticks,) = struct.unpack_from(">I", fast, scale)
    struct.pack_into(">I", fast, scale, ticks * 1_000_000 // 24)
    directory = workplace(bytes(fast))
    probe = await Prober(sandbox).examine(directory)
    assert probe is not None
    p.accept(probe)
    assert probe.video is not None
    assert (probe.video.frame_rate or 0) > 900_000
    for recipe in recipes(probe, "av1"):
        for command in recipe.commands:
            await Ffmpeg(BINARY, sandbox).run(command, directory, seconds=30)
        assert (directory / recipe.output).stat().st_size < 2**20


async def test_decoders_nobody_needs_are_not_used(
    tmp_path: Path, workplace: Workplace, sandbox: Sandbox
) -> None:
    """There are hundreds, most of them of games and formats long gone, and most never looked at."""
    odd = tmp_path / "odd.mov"
    await ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=320x240:d=1", "-f", "lavfi", "-i", "sine=d=1"),
        *("-c:v", "qtrle", "-c:a", "adpcm_ima_qt", str(odd)),
    )
    directory = workplace(odd)
    assert await refusal(directory, sandbox) == "no_video"
    assert "not on whitelist" in (await convert(directory, sandbox) or "")


async def test_a_film_with_an_odd_sound_is_a_silent_film(
    tmp_path: Path, workplace: Workplace, sandbox: Sandbox
) -> None:
    odd = tmp_path / "odd.mov"
    await ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=320x240:d=1", "-f", "lavfi", "-i", "sine=d=1"),
        *("-c:v", "libx264", "-c:a", "adpcm_ima_qt", str(odd)),
    )
    probe = await Prober(sandbox).examine(workplace(odd))
    assert probe is not None
    assert (probe.video is not None, probe.audio) == (True, None)
