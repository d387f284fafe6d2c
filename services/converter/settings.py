"""The settings of ``converter``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated, Literal

import imageio_ffmpeg
from pydantic import AfterValidator, Field

from shared.runtime.settings import MarqueeSettings

MIB = 1024 * 1024


def _executable(path: Path) -> Path:
    """A path, or a name to be found in PATH."""
    found = shutil.which(path)
    if found is None:
        raise ValueError("must be a program that can be run")
    return Path(found)


def _half_the_cores() -> int:
    return max(1, (os.cpu_count() or 1) // 2)


def _bundled_ffmpeg() -> Path:
    return Path(imageio_ffmpeg.get_ffmpeg_exe())


class ConverterSettings(MarqueeSettings):
    """What an operator can set about uploads and conversions."""

    upload_max_bytes: Annotated[int, Field(ge=1)] = 500 * MIB
    """The largest upload, inclusive."""
    converter_slots: Annotated[int, Field(ge=0, le=256)] = Field(default_factory=_half_the_cores)
    """Conversions at a time in one process; left out, half the cores, at least 1. A `converter`
    with 0 takes uploads in, and leaves converting to `converter-worker`."""
    open_uploads: Annotated[int, Field(ge=1)] = 1000
    """How many resumable uploads of a tenant may be under way at once."""
    probe_seconds: Annotated[float, Field(gt=0, le=60)] = 0.8
    """How long an upload may wait to be looked at before it is accepted unseen, to be judged by
    its conversion."""
    webm_codec: Literal["av1", "vp9"] = "av1"
    """What the WebM is encoded with."""
    ffmpeg: Annotated[Path, AfterValidator(_executable)] = Field(default_factory=_bundled_ffmpeg)
    """The ffmpeg to run; left out, the one that comes with the packages."""
