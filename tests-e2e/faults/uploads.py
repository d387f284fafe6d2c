"""An administrator who uploads small films of unique bytes, two of them at a time."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp

from faults.history import Call, Caller
from harness.clips import make_clip

ENDED = ("completed", "failed")


def unique(film: bytes, random: Random) -> bytes:
    """The same film in other bytes: with a box at its end that players skip."""
    return film + (24).to_bytes(4) + b"free" + random.randbytes(16)


def small_film(directory: Path) -> bytes:
    """A second of next to nothing: what takes time is not its pixels."""
    path = make_clip(directory / "small.mp4", seconds=0.5, size="64x36", rate=8, sound=False)
    return path.read_bytes()


@dataclass
class Uploader:
    """``open`` are the assets that are still being converted, as far as was seen."""

    caller: Caller
    film: bytes
    random: Random
    open: list[str] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self) -> None:
        """Upload, wait for a conversion, upload again."""
        while not self.closing.is_set():
            if len(self.open) < 2:
                await self.upload()
            await asyncio.sleep(0.3)
            await self.look()

    async def upload(self, film: bytes | None = None) -> Call:
        """Upload one film."""
        film = unique(film or self.film, self.random)
        digest = hashlib.sha256(film).hexdigest()
        call = await self.caller.call(
            "upload",
            f"/api/admin/assets?filename=film-{digest[:8]}.mp4",
            about={"sha256": digest},
            data=film,
            headers={"Content-Type": "video/mp4"},
        )
        if call.outcome == "ok":
            self.open.append(call.answer["id"])
        return call

    async def look(self) -> None:
        """Forget what has ended."""
        for ident in list(self.open):
            try:
                asset = await self.caller.client.asset(ident)
            except (AssertionError, aiohttp.ClientError, OSError, TimeoutError, ValueError):
                return  # ask again later
            if asset["conversion_status"] in ENDED and ident in self.open:
                self.open.remove(ident)
