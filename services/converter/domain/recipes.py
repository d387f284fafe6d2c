"""Which ffmpeg commands make which rendition of which file.

Renditions come in the order in which they are worth most: a picture at once, then something that
plays, the preview, a better picture, and the costly one last. One command each costs no more time
than all in one process, publishes earlier, and repeats alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.converter.domain.geometry import (
    FULL_HD,
    Size,
    even,
    fitted,
    full_hd_box,
    shrunk,
)
from services.converter.domain.probe import DECODERS, INPUT, Probe, Video
from shared.contracts.converter import Rendition

WebmCodec = Literal["av1", "vp9"]

GIF_SECONDS = 10
GIF_BYTES = 8 * 2**20
"""A preview that weighs more is made again, smaller; at the last step even noise weighs less."""

GIF_STEPS = ((Size(480, 854), 12), (Size(360, 640), 12), (Size(280, 498), 10), (Size(200, 356), 8))
"""Boxes, and pictures a second."""

FULL_RANGE = "format=yuvj420p"

POSTER_SECONDS = 8
POSTER_RATE = 2
"""Frames of each second that may become the poster; all are in memory together, 3 MB each."""

NOT_BLANK = (
    "entropy,metadata=mode=select:key=lavfi.entropy.normalized_entropy.normal.Y"
    ":value=0.3:function=greater"
)
"""Black, white and plain frames have none, noise in the black little, pictures above 0.4."""

HIGHEST_RATE = 60
SMALLEST_AV1 = 16
"""Pixels; SVT-AV1 fails when a frame takes more bytes coded than raw."""

GLOBAL = ("-hide_banner", "-nostdin", "-nostats", "-y")
REPORT = ("-progress", "pipe:1", "-stats_period", "0.25")
ONLY_MOV = ("-protocol_whitelist", "file,pipe", "-max_streams", "64", "-max_pixels", "36000000")
CODECS = ("-codec_whitelist", ",".join(DECODERS))
FORMATS = ("-format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2", "-f", "mov")
NO_METADATA = ("-map_metadata", "-1", "-map_chapters", "-1")

TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
"""PQ and HLG by their code in ITU-T H.273; both come with the colours of ITU-R BT.2100."""

TO_STANDARD_RANGE = (
    "setparams=color_trc={transfer}:color_primaries=bt2020:colorspace=bt2020nc,"
    "zscale=t=linear:npl=100,format=gbrpf32le,"
    "zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
)
"""Phones name the transfer and forget the rest, without which there is no way between colours."""


@dataclass(frozen=True, slots=True)
class Command:
    """Arguments of ffmpeg; ``seconds`` is how long its output is meant to play, if known."""

    arguments: tuple[str, ...]
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one rendition is made: ``output`` appears once all commands succeeded, in order.

    ``weight`` is its share of the work. An output of ``most_bytes`` or more is made again by the
    next of ``smaller``, if there is one left.
    """

    rendition: Rendition
    output: str
    content_type: str
    weight: int
    commands: tuple[Command, ...]
    smaller: tuple[tuple[Command, ...], ...] = ()
    most_bytes: int | None = None


def recipes(probe: Probe, webm_codec: WebmCodec, *, hurry: bool = False) -> tuple[Recipe, ...]:
    """Everything to be made of an accepted file; ``hurry`` trades size for speed."""
    if probe.video is None:
        raise ValueError("only a file with video has recipes")
    return (
        _thumbnail(probe.video),
        _mp4(probe, probe.video, hurry=hurry),
        _gif(probe, probe.video),
        _poster_best(probe.video),
        _webm(probe, probe.video, webm_codec, hurry=hurry),
    )


def plays_as_it_is(probe: Probe) -> bool:
    """Whether every browser plays its streams: then the MP4 needs no encoding."""
    video, audio = probe.video, probe.audio
    return (
        video is not None
        and video.codec == "h264"
        and video.pixel_format == "yuv420p"
        and video.aspect in (0, 1)
        and video.rotation == 0
        and video.size == even(shrunk(video.size, full_hd_box(video.size)))
        and (video.frame_rate or 0) <= HIGHEST_RATE
        and (audio is None or (audio.codec == "aac" and audio.channels <= 2))
    )


def _thumbnail(video: Video) -> Recipe:
    command = _still(video, "thumbnail.jpg")
    return Recipe("thumbnail", "thumbnail.jpg", "image/jpeg", 1, (command,))


def _poster_best(video: Video) -> Recipe:
    """The frame most like the others of the first seconds, blank ones aside.

    The first frame stands in, where all of them are blank: then nothing replaces it.
    """
    first = _still(video, "poster_best.jpg")
    best = _still(
        video,
        "poster_best.jpg",
        *("-skip_frame", "noref", "-t", str(POSTER_SECONDS)),
        before=(_rate(POSTER_RATE),),
        chosen_by=(FULL_RANGE, NOT_BLANK, f"thumbnail=n={POSTER_SECONDS * POSTER_RATE}"),
    )
    return Recipe("poster_best", "poster_best.jpg", "image/jpeg", 3, (first, best))


def _still(
    video: Video,
    name: str,
    *options: str,
    before: Sequence[str] = (),
    chosen_by: Sequence[str] = (),
) -> Command:
    """One frame in the middle of full HD: the first of those that are left."""
    filters = (
        *before,
        _scaled(video, fitted(video.size, FULL_HD), flags="lanczos"),
        *chosen_by,
        f"pad={FULL_HD.width}:{FULL_HD.height}:(ow-iw)/2:(oh-ih)/2",
        FULL_RANGE,
    )
    return Command(
        (
            *(*_read(*options), *_streams(video)),
            *("-vf", ",".join(filters), "-frames:v", "1", "-q:v", "3"),
            *(*NO_METADATA, "-f", "image2", "-update", "1", name),
        )
    )


def _mp4(probe: Probe, video: Video, *, hurry: bool) -> Recipe:
    output = ("-movflags", "+faststart", *NO_METADATA, "-f", "mp4", "video.mp4")
    if plays_as_it_is(probe):
        arguments = (*_read(), *_streams(video, probe), "-c", "copy", *output)
        return Recipe("mp4", "video.mp4", "video/mp4", 3, (Command(arguments, probe.duration),))
    encoder = ("-c:v", "libx264", "-preset", "ultrafast" if hurry else "veryfast")
    quality = ("-crf", "21", "-pix_fmt", "yuv420p", "-profile:v", "high", "-fps_mode", "vfr")
    sound = ("-c:a", "aac", "-b:a", "128k", "-ar", "48000", *_channels(probe))
    arguments = (
        *(*_read(), *_streams(video, probe), "-vf", _full_hd(video)),
        *(*encoder, *quality, *sound, *output),
    )
    return Recipe("mp4", "video.mp4", "video/mp4", 30, (Command(arguments, probe.duration),))


def _gif(probe: Probe, video: Video) -> Recipe:
    first, *smaller = (
        (_gif_command(probe, video, box, rate, last=(box, rate) == GIF_STEPS[-1]),)
        for box, rate in GIF_STEPS
    )
    return Recipe("gif", "preview.gif", "image/gif", 8, first, tuple(smaller), GIF_BYTES)


def _gif_command(probe: Probe, video: Video, box: Size, rate: int, *, last: bool) -> Command:
    """Find the best colours, then use them; stop at the budget if there is a step left.

    In one go, so that the film is decoded once; its small pictures wait in memory, 200 MB at most.
    """
    frames = f"{_rate(rate)},{_scaled(video, shrunk(video.size, box), flags='lanczos')}"
    graph = (
        f"[0:{video.index}]{frames},split[f][p];[p]palettegen=stats_mode=diff[c];"
        "[f][c]paletteuse=dither=bayer:bayer_scale=5:diff_mode=rectangle"
    )
    budget = () if last else ("-fs", str(GIF_BYTES))
    return Command(
        (
            *(*_read("-t", str(GIF_SECONDS)), "-lavfi", graph),
            *("-loop", "0", *budget, "-f", "gif", "preview.gif"),
        ),
        min(probe.duration or GIF_SECONDS, GIF_SECONDS),
    )


def _webm(probe: Probe, video: Video, codec: WebmCodec, *, hurry: bool) -> Recipe:
    too_small = min(video.size.width, video.size.height) < SMALLEST_AV1
    encoder = _vp9(hurry=hurry) if codec == "vp9" or too_small else _av1(hurry=hurry)
    sound = ("-c:a", "libopus", "-b:a", "96k", *_channels(probe))
    arguments = (
        *(*_read(), *_streams(video, probe), "-vf", _full_hd(video), *encoder),
        *("-pix_fmt", "yuv420p", "-fps_mode", "vfr", *sound, *NO_METADATA),
        *("-f", "webm", "video.webm"),
    )
    return Recipe("webm", "video.webm", "video/webm", 60, (Command(arguments, probe.duration),))


def _av1(*, hurry: bool) -> Sequence[str]:
    return ("-c:v", "libsvtav1", "-preset", "12" if hurry else "9", "-crf", "38")


def _vp9(*, hurry: bool) -> Sequence[str]:
    speed = ("realtime", "8") if hurry else ("good", "4")
    return (
        *("-c:v", "libvpx-vp9", "-crf", "33", "-b:v", "0", "-deadline", speed[0]),
        *("-cpu-used", speed[1], "-row-mt", "1", "-tile-columns", "2"),
    )


def _read(*options: str) -> tuple[str, ...]:
    """Global options and the uploaded file, read by the one demuxer it may have."""
    return (*GLOBAL, *REPORT, *ONLY_MOV, *CODECS, *FORMATS, *options, "-i", f"file:{INPUT}")


def _streams(video: Video, probe: Probe | None = None) -> tuple[str, ...]:
    """The video, and the sound if a probe is given and there is any; never data or covers."""
    audio = probe.audio if probe else None
    sound = ("-map", f"0:{audio.index}") if audio else ("-an",)
    return ("-map", f"0:{video.index}", *sound)


def _channels(probe: Probe) -> tuple[str, ...]:
    return ("-ac", str(min(probe.audio.channels, 2) or 1)) if probe.audio else ()


def _full_hd(video: Video) -> str:
    size = even(shrunk(video.size, full_hd_box(video.size)))
    slower = [_rate(HIGHEST_RATE)] if (video.frame_rate or 0) > HIGHEST_RATE else []
    return ",".join([*slower, _scaled(video, size, flags="bicubic")])


def _rate(pictures: int) -> str:
    """So many pictures a second, but at least one, however short the film is."""
    return f"fps={pictures}:eof_action=pass"


def _scaled(video: Video, size: Size, *, flags: str) -> str:
    """Scale, and bring high dynamic range down to what every screen shows."""
    scale = f"scale={size.width}:{size.height}:flags={flags},setsar=1"
    if not video.high_dynamic_range:
        return scale
    return f"{scale},{TO_STANDARD_RANGE.format(transfer=TRANSFERS[video.transfer])}"
