"""Clips made by the very ffmpeg the product uses: small, real, and with sound."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg


def make_clip(
    target: Path, *, seconds: float = 2, size: str = "640x360", rate: int = 24, sound: bool = True
) -> Path:
    """An H.264 MP4 of a moving test picture, with a tone unless silent."""
    picture = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"] if sound else []
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    _ffmpeg(*picture, *tone, *codecs, "-movflags", "+faststart", str(target))
    return target


def make_audio_only(target: Path) -> Path:
    """An MP4 without any video."""
    _ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", str(target))
    return target


def _ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments]
    subprocess.run(command, check=True, timeout=120)
