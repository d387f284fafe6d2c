"""Clips made by the very ffmpeg the product uses: small, real, and with sound."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import uuid4

import imageio_ffmpeg


def make_clip(
    target: Path, *, seconds: float = 2, size: str = "640x360", rate: int = 24, sound: bool = True
) -> Path:
    """An H.264 MP4 of a moving test picture, with a tone unless silent."""
    source = f"testsrc2=size={size}:rate={rate}"
    return make_film(target, source, seconds=seconds, sound=sound)


def make_film(target: Path, source: str, *, seconds: float, sound: bool = True) -> Path:
    """An H.264 film of whatever one of ffmpeg's sources draws, with a tone unless silent."""
    picture = ["-f", "lavfi", "-i", source]
    tone = ["-f", "lavfi", "-i", "sine=frequency=440"] if sound else []
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    _ffmpeg(*picture, *tone, "-t", str(seconds), *codecs, "-movflags", "+faststart", str(target))
    return target


def damage(film: bytes, *, kept: float = 0) -> bytes:
    """The same film with nothing left of its pictures, but for a share of the first."""
    start = film.index(b"mdat") + 4
    start += int((len(film) - start) * kept)
    return film[:start] + bytes(len(film) - start)


def renewed(film: bytes) -> bytes:
    """The same film with other bytes: a box at its end that players pass over."""
    return film + (16).to_bytes(4, "big") + b"free" + uuid4().bytes[:8]


def make_audio_only(target: Path) -> Path:
    """An MP4 without any video."""
    _ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", str(target))
    return target


def _ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments]
    subprocess.run(command, check=True, timeout=120)
