"""Runs confined: reads the file's skeleton and streams, prints the facts as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import av.subtitles.stream  # PyAV imports it late, when files can no longer be read

from services.converter.domain.probe import DECODERS, INPUT, MOST_PIXELS, Audio, Probe, Video
from services.converter.probing.boxes import Skeleton, skeleton

PACKETS_TO_TRY = 500
OPTIONS = {"max_streams": "64", "codec_whitelist": ",".join(DECODERS)}


def main(arguments: Sequence[str]) -> None:
    """Probe the input in the working directory; ``decode`` also tries its first picture."""
    print(json.dumps(probe(Path(INPUT), decode="decode" in arguments).as_json()))


def probe(path: Path, *, decode: bool) -> Probe:
    """All facts of a file. Only PyAV's own crash can make it fail."""
    with path.open("rb") as file:
        bones = skeleton(file)
        if not bones.iso or bones.damage:
            return Probe(None, None, None, iso=bones.iso, damage=bones.damage)
        file.seek(0)
        try:
            with av.open(file, format="mov", options=OPTIONS) as container:
                return _facts(container, bones, decode=decode)
        except av.error.FFmpegError:
            return Probe(None, None, None, damage="its index cannot be read")


def _facts(container: Any, bones: Skeleton, *, decode: bool) -> Probe:
    pictures = [s for s in container.streams.video if _readable(s) and not _is_cover(s)]
    stream = pictures[0] if pictures else None
    duration = container.duration / av.time_base if container.duration else None
    return Probe(
        video=_video(stream, bones.rotation) if stream else None,
        audio=next((_audio(s) for s in container.streams.audio if _readable(s)), None),
        duration=duration,
        encrypted=bones.encrypted,
        decodes=_decodes(container, stream) if decode and stream else None,
    )


def _readable(stream: Any) -> bool:
    return stream.codec_context is not None and stream.codec_context.name in DECODERS


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _video(stream: Any, rotation: int) -> Video:
    codec = stream.codec_context
    return Video(
        index=stream.index,
        codec=codec.name,
        pixel_format=codec.pix_fmt or "unknown",
        width=codec.width,
        height=codec.height,
        aspect=stream.sample_aspect_ratio or Fraction(1),
        rotation=rotation,
        frame_rate=stream.average_rate,
        transfer=int(codec.color_trc),
    )


def _audio(stream: Any) -> Audio:
    codec = stream.codec_context
    return Audio(stream.index, codec.name, codec.channels)


def _decodes(container: Any, stream: Any) -> bool:
    """Whether some picture comes out of the first packets.

    Without threads: where the account has no more to give, a good film would be called a bad one.
    """
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    for number, packet in enumerate(container.demux(stream)):
        try:
            if packet.decode():
                return True
        except av.error.FFmpegError:
            pass
        if number >= PACKETS_TO_TRY:
            break
    return False
