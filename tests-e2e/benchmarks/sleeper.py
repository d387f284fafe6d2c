"""Services as ever, but ffmpeg's commands only take their time, and leave an output.

So that workers can be added without adding work for the machine. Usage: ... NAME [NAME ...]
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from services.__main__ import main
from services.converter.domain.recipes import Command
from services.converter.ffmpeg import Ffmpeg

SECONDS = "BENCH_SLEEP_SECONDS"


async def _sleep(_: Ffmpeg, command: Command, directory: Path, **__: Any) -> str:
    await asyncio.sleep(float(os.environ[SECONDS]))
    (directory / command.arguments[-1]).write_bytes(b"converted")
    return ""


if __name__ == "__main__":
    Ffmpeg.run = _sleep  # type: ignore[method-assign]
    main()
