"""What is known of an uploaded file, and which files are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Self

from services.converter.domain.geometry import Size, displayed
from shared.contracts.refusal import Refusal

MOST_PIXELS = 36_000_000

DECODERS = (
    *("h264", "hevc", "vvc", "av1", "libdav1d", "libaom-av1", "vp8", "libvpx", "vp9", "libvpx-vp9"),
    *("mpeg4", "mpeg2video", "mpeg1video", "h263", "mjpeg", "prores", "dnxhd", "dvvideo"),
    *("aac", "mp3", "mp3float", "mp2", "mp2float", "ac3", "eac3", "alac", "flac", "opus"),
    *("libopus", "vorbis", "amrnb", "amrwb", "pcm_alaw", "pcm_mulaw", "pcm_u8", "pcm_s8"),
    *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
    *("pcm_f32le", "pcm_f32be"),
)
"""By FFmpeg's names: those of cameras, telephones and editing programs. FFmpeg has some 500 more,
most of formats long gone, and each is code that a stranger's file may choose to run."""

INPUT = "input.mp4"
"""What the uploaded file is called in the directory where it is worked on."""


class Unconvertible(Refusal):
    """No attempt will ever convert this file."""

    code = "unconvertible"
    status = 415
    title = "The file cannot be converted"


class NotIsoMedia(Unconvertible):
    """It is no ISO base media file (ISO/IEC 14496-12): no MP4, no QuickTime movie."""

    code = "not_iso_media"


class Truncated(Unconvertible):
    """Bytes that the file's own tables promise are missing."""

    code = "truncated"


class NoVideo(Unconvertible):
    """There is no picture in it."""

    code = "no_video"


class Encrypted(Unconvertible):
    """It needs a key that we do not have."""

    code = "encrypted"


class TooManyPixels(Unconvertible):
    """Its pictures are larger than any screen."""

    code = "too_many_pixels"


class Undecodable(Unconvertible):
    """Its first picture cannot be decoded."""

    code = "undecodable"


@dataclass(frozen=True, slots=True)
class Video:
    """The first real video stream. ``index`` counts all streams of the file.

    ``width`` and ``height`` are as coded, before ``aspect`` (of a pixel) and ``rotation``
    (clockwise degrees) are applied; ``transfer`` is the code of ITU-T H.273.
    """

    index: int
    codec: str
    pixel_format: str
    width: int
    height: int
    aspect: Fraction = Fraction(1)
    rotation: int = 0
    frame_rate: Fraction | None = None
    transfer: int = 2

    @property
    def size(self) -> Size:
        """What a viewer sees."""
        return displayed(self.width, self.height, aspect=self.aspect, rotation=self.rotation)

    @property
    def high_dynamic_range(self) -> bool:
        """PQ or HLG."""
        return self.transfer in (16, 18)


@dataclass(frozen=True, slots=True)
class Audio:
    """The first audio stream that can be decoded."""

    index: int
    codec: str
    channels: int


@dataclass(frozen=True, slots=True)
class Probe:
    """A file's facts; ``damage`` says what is missing of it, ``decodes`` is None if not tried."""

    video: Video | None
    audio: Audio | None
    duration: float | None
    iso: bool = True
    encrypted: bool = False
    damage: str | None = None
    decodes: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        facts = asdict(self)
        if self.video:
            rate = self.video.frame_rate
            facts["video"]["aspect"] = str(self.video.aspect)
            facts["video"]["frame_rate"] = None if rate is None else str(rate)
        return facts

    @classmethod
    def of_json(cls, facts: Mapping[str, Any]) -> Self:
        """The reverse of ``as_json``. Raises TypeError or ValueError for anything else."""
        video, audio = facts.get("video"), facts.get("audio")
        if video:
            rate = video["frame_rate"]
            video = Video(
                **video
                | {
                    "aspect": Fraction(video["aspect"]),
                    "frame_rate": None if rate is None else Fraction(rate),
                }
            )
        return cls(**{**facts, "video": video, "audio": Audio(**audio) if audio else None})


def looks_like_iso_media(first_bytes: bytes) -> bool:
    """Whether a file begins with a ``ftyp`` box of a sane size; needs 12 bytes."""
    size = int.from_bytes(first_bytes[:4], "big")
    return first_bytes[4:8] == b"ftyp" and 12 <= size <= 4096


def accept(probe: Probe) -> None:
    """Refuse what cannot be converted, with the reason. Raises an Unconvertible."""
    if not probe.iso:
        raise NotIsoMedia("The file is not an ISO media file (MP4 or QuickTime).")
    if probe.damage:
        raise Truncated(f"The file is incomplete: {probe.damage}.")
    if probe.encrypted:
        raise Encrypted("The file is encrypted.")
    if probe.video is None:
        raise NoVideo("The file has no video stream that can be decoded.")
    seen, pixels = probe.video.size, probe.video.width * probe.video.height
    if max(pixels, seen.width * seen.height) > MOST_PIXELS:
        raise TooManyPixels(
            f"The video has {probe.video.width} x {probe.video.height} pixels, seen as "
            f"{seen.width} x {seen.height}: more than {MOST_PIXELS // 10**6} million."
        )
    if probe.decodes is False or not pixels:
        raise Undecodable("No picture of the video can be decoded.")
