"""Real films through the real ffmpeg: what comes out, and what is refused."""

from __future__ import annotations

import asyncio
import statistics
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from services.converter.domain import probe as p
from services.converter.domain.recipes import Command, Recipe, WebmCodec, recipes
from services.converter.ffmpeg import ConversionFailed, Ffmpeg
from services.converter.probing import prober
from services.converter.probing.prober import Prober
from services.converter.tests.conftest import BINARY, MakeClip
from shared.runtime.sandbox import Sandbox

Workplace = Callable[[Path | bytes], Path]


async def convert(directory: Path, sandbox: Sandbox, codec: WebmCodec = "av1") -> dict[str, Recipe]:
    """Examine and convert the input of a directory."""
    probe = await Prober(sandbox).examine(directory)
    assert probe is not None
    p.accept(probe)
    made = recipes(probe, codec)
    for recipe in made:
        for command in recipe.commands:
            await Ffmpeg(BINARY, sandbox).run(command, directory, seconds=60)
    return {recipe.rendition: recipe for recipe in made}


def streams(path: Path) -> dict[str, tuple[str, str | None, int, int]]:
    """Codec, pixel format and size by kind of stream."""
    with av.open(str(path)) as container:
        found: dict[str, tuple[str, str | None, int, int]] = {}
        for stream in container.streams:
            codec: Any = stream.codec_context
            video = stream.type == "video"
            size = (codec.width, codec.height) if video else (0, 0)
            found[stream.type] = (codec.name, codec.pix_fmt if video else None, *size)
        return found


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("sound", (320, 240)),
        ("silent", (320, 240)),
        ("odd", (320, 242)),
        ("portrait", (1080, 1800)),
        ("turned", (240, 320)),
        ("large", (1920, 1080)),
        ("one_frame", (320, 240)),
        ("ten_bit", (320, 240)),
        ("anamorphic", (426, 240)),
        ("surround", (320, 240)),
        ("tiny", (2, 2)),
        ("four_k", (1920, 1080)),
        ("conforming", (1920, 1080)),
        ("variable", (320, 240)),
        ("pq", (320, 240)),
        ("hlg", (320, 240)),
        ("hlg_of_a_phone", (320, 240)),
    ],
)
async def test_every_film_gets_renditions_that_browsers_play(
    name: str, size: tuple[int, int], clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    directory = workplace(await clip(name))
    made = await convert(directory, sandbox)

    for still in ("thumbnail", "poster_best"):
        picture = streams(directory / made[still].output)["video"]
        assert (picture[0], *picture[2:]) == ("mjpeg", 1920, 1080)

    mp4 = streams(directory / made["mp4"].output)
    assert mp4["video"] == ("h264", "yuv420p", *size)
    webm = streams(directory / made["webm"].output)
    assert webm["video"][0] == ("vp9" if name == "tiny" else "libdav1d")
    assert webm["video"][1:] == ("yuv420p", *size)
    has_sound = name in ("sound", "turned", "surround", "conforming")
    assert mp4.get("audio", ("",))[0] == ("aac" if has_sound else "")
    assert webm.get("audio", ("",))[0] == ("opus" if has_sound else "")

    gif = streams(directory / made["gif"].output)["video"]
    assert gif[0] == "gif"
    assert gif[2] <= min(480, size[0] + 1)


def pictures(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


@pytest.mark.parametrize("name", ["pq", "hlg", "hlg_of_a_phone"])
async def test_high_dynamic_range_comes_down_to_what_every_screen_shows(
    name: str, clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    directory = workplace(await clip(name))
    made = await convert(directory, sandbox)
    for kind in ("mp4", "webm"):
        [first, *_] = pictures(directory / made[kind].output)
        colours = (first.color_trc, first.color_primaries, first.colorspace)
        assert [int(code) for code in colours] == [1, 1, 1], "BT.709 (ITU-T H.273)"
        assert int(first.color_range) == 1
    luma = bytes(first.reformat(format="gray").planes[0])
    assert 40 < statistics.fmean(luma) < 200
    assert statistics.pstdev(luma) > 20, "neither black nor white nor grey"


async def test_what_conforms_is_copied_and_not_encoded(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    source = await clip("conforming")
    directory = workplace(source)
    made = await convert(directory, sandbox)
    [command] = made["mp4"].commands
    assert command.arguments[command.arguments.index("-c") + 1] == "copy"
    packets = [
        [bytes(packet) for packet in container.demux(video=0)]
        for container in (av.open(str(source)), av.open(str(directory / made["mp4"].output)))
    ]
    assert packets[0] == packets[1]


@pytest.mark.parametrize("kind", ["mp4", "webm"])
async def test_a_variable_rate_stays_what_it_is(
    kind: str, clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    source = await clip("variable")
    directory = workplace(source)
    made = await convert(directory, sandbox)
    before, after = [
        [frame.time for frame in pictures(path)] for path in (source, directory / made[kind].output)
    ]
    assert len(before) == len(after) == 11
    assert after == pytest.approx(before, abs=0.002)


@pytest.mark.parametrize(("name", "size"), [("anamorphic", (426, 240)), ("turned", (240, 320))])
async def test_pixels_become_square_and_upright(
    name: str, size: tuple[int, int], clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    directory = workplace(await clip(name))
    made = await convert(directory, sandbox)
    for kind in ("mp4", "webm"):
        path = directory / made[kind].output
        with av.open(str(path)) as container:
            assert container.streams.video[0].sample_aspect_ratio in (None, 0, 1)
        [first, *_] = pictures(path)
        assert (first.width, first.height, first.rotation) == (*size, 0)


@pytest.mark.parametrize("name", ["one_frame", "one_short_frame"])
async def test_one_frame_is_one_frame(
    name: str, clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    directory = workplace(await clip(name))
    made = await convert(directory, sandbox)
    counts = [len(pictures(directory / recipe.output)) for recipe in made.values()]
    assert counts == [1] * len(made)


async def test_vp9_by_setting(clip: MakeClip, workplace: Workplace, sandbox: Sandbox) -> None:
    directory = workplace(await clip("sound"))
    made = await convert(directory, sandbox, "vp9")
    assert streams(directory / made["webm"].output)["video"][0] == "vp9"


async def test_the_gif_ends_after_ten_seconds_and_loops_for_ever(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    directory = workplace(await clip("long"))
    made = await convert(directory, sandbox)
    path = directory / made["gif"].output
    assert b"NETSCAPE2.0\x03\x01\x00\x00\x00" in path.read_bytes()
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        assert len(frames) == 120
        assert frames[-1].time < 10


async def test_the_mp4_begins_with_its_index(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    directory = workplace(await clip("ten_bit"))
    made = await convert(directory, sandbox)
    content = (directory / made["mp4"].output).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


async def test_progress_is_told_while_it_runs(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    directory = workplace(await clip("sound"))
    probe = await Prober(sandbox).examine(directory)
    assert probe
    told: list[float] = []
    webm = recipes(probe, "av1")[-1].commands[0]
    await Ffmpeg(BINARY, sandbox).run(webm, directory, on_fraction=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def with_box(kind: bytes, content: bytes, replaced: bytes) -> bytes:
    """The same film with the name of one box changed."""
    assert kind in content
    return content.replace(kind, replaced)


def without_its_end(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def moov_first(content: bytes) -> bytes:
    """A film as streaming servers have it: its end is media data."""
    at = content.index(b"moov") - 4
    (size,) = struct.unpack(">I", content[at : at + 4])
    ftyp = struct.unpack(">I", content[:4])[0]
    return content[:ftyp] + content[at : at + size] + content[ftyp:at] + content[at + size :]


REFUSED: list[tuple[Callable[[bytes], bytes], type[p.Unconvertible]]] = [
    (without_its_end, p.Truncated),
    (lambda film: moov_first(film)[:-100], p.Truncated),
    (lambda film: film[: film.index(b"mdat") + 100], p.Truncated),
    (lambda film: with_box(b"avc1", film, b"encv"), p.Encrypted),
    (lambda _: b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", p.NotIsoMedia),
    (lambda _: b"just some text", p.NotIsoMedia),
    (lambda _: b"", p.NotIsoMedia),
    (lambda _: b"\0\0\0\x18ftypisom\0\0\0\0isommp42", p.Truncated),
    (lambda film: film[:32] + b"\0" * 4000, p.Truncated),
]


@pytest.mark.parametrize(("spoil", "reason"), REFUSED)
async def test_spoiled_films_are_refused_at_a_glance(
    spoil: Callable[[bytes], bytes],
    reason: type[p.Unconvertible],
    clip: MakeClip,
    workplace: Workplace,
    sandbox: Sandbox,
) -> None:
    directory = workplace(spoil((await clip("sound")).read_bytes()))
    probe = await Prober(sandbox, budget=10).glance(directory)
    assert probe is not None
    with pytest.raises(reason):
        p.accept(probe)


async def test_sound_alone_is_no_film(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    probe = await Prober(sandbox, budget=10).glance(workplace(await clip("only_sound")))
    assert probe is not None
    with pytest.raises(p.NoVideo):
        p.accept(probe)


async def test_pictures_of_noise_are_found_out_by_the_deep_look(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    film = bytearray((await clip("silent")).read_bytes())
    start = film.index(b"mdat") + 4
    film[start : film.index(b"moov") - 4] = b"\xff" * (film.index(b"moov") - 4 - start)
    probe = await Prober(sandbox).examine(workplace(bytes(film)))
    assert probe is not None
    with pytest.raises(p.Undecodable):
        p.accept(probe)


async def test_trailing_bytes_of_a_camera_do_no_harm(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    film = (await clip("sound")).read_bytes() + b"SEFH\xff\xff\xff\xff trailer"
    probe = await Prober(sandbox).examine(workplace(film))
    assert probe is not None
    p.accept(probe)


async def test_a_look_that_takes_too_long_says_nothing(
    clip: MakeClip, workplace: Workplace, sandbox: Sandbox
) -> None:
    assert await Prober(sandbox, budget=0.0).glance(workplace(await clip("sound"))) is None


async def test_a_playlist_named_mp4_reaches_no_other_file(
    workplace: Workplace, sandbox: Sandbox, clip: MakeClip
) -> None:
    probe = await Prober(sandbox).examine(workplace(await clip("sound")))
    assert probe
    directory = workplace(b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\nfile:///etc/passwd\n")
    with pytest.raises(ConversionFailed) as failed:
        await Ffmpeg(BINARY, sandbox).run(recipes(probe, "av1")[0].commands[0], directory)
    assert failed.value.failure.code == "ffmpeg_failed"
    assert "passwd" not in failed.value.log


async def test_a_command_that_outlives_its_time_is_ended(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.hand_over(tmp_path)
    endless = Command(("-nostdin", "-f", "lavfi", "-re", "-i", "testsrc2", "-f", "null", "-"))
    with pytest.raises(ConversionFailed) as failed:
        async with asyncio.timeout(20):
            await Ffmpeg(BINARY, sandbox).run(endless, tmp_path, seconds=0.5)
    assert failed.value.failure.code == "timeout"
    assert not failed.value.failure.permanent


async def test_a_busy_account_makes_no_film_undecodable(
    workplace: Workplace, clip: MakeClip, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prober, "LIMITS", replace(prober.LIMITS, processes=1))
    probe = await Prober(sandbox).examine(workplace(await clip("sound")))
    assert probe is not None
    assert probe.decodes
