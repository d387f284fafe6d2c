"""Films that are none, or that ask for more than anybody should give."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from faults import ledger
from faults.boxes import fast, multiplied, references, sized
from faults.fault import Fault, Scene
from faults.invariants import REFUSALS

FTYP = b"\0\0\0\x18ftypisom\0\0\0\0isommp42"
MOST_MEMORY = 1 << 30
"""Bytes that a service may grow to, whatever it is fed."""

_PLAIN = {"playlist", "playlist-as-film", "concat", "nothing"}
"""What is no film, and must be refused for that, at once or by the conversion's own look."""

_SECRET = b"root:x:0:0"


async def hostile_media(scene: Scene) -> None:
    """Scripts that name other places, references, monstrous sizes: uploaded as ``.mp4``.

    Survived by: a look at the boxes and by ffprobe before anything is accepted, one demuxer, no
    protocol but the file itself, no network, and limits on memory, time and files.
    """
    async with _canary() as (bait, heard):
        caller = scene.load.caller("hostile", scene.random)
        assets = dict[str, str]()
        for name, film in _films(scene.load.uploader.film, bait).items():
            call = await caller.call(
                "hostile",
                f"/api/admin/assets?filename={name}.mp4",
                about={"what": name},
                data=film,
                headers={"Content-Type": "video/mp4"},
            )
            if call.outcome == "ok":
                assets[name] = call.answer["id"]
                scene.load.uploader.open.append(call.answer["id"])
        for asset in assets.values():
            await scene.load.ended(asset, within=120)
        scene.expect(not heard, f"F19: the canary was asked for {heard}")
    scene.notes += await _stolen(scene)
    scene.notes += await _tried(scene, assets)
    for member in scene.site.members.values():
        grown = _memory(member.pid)
        scene.expect(grown < MOST_MEMORY, f"I7: {member.name} has grown to {grown >> 20} MiB")


@asynccontextmanager
async def _canary() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that nobody must talk to, and what it has heard."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/bait", heard


def _films(film: bytes, bait: str) -> Mapping[str, bytes]:
    """By name; those made of a real film are whole otherwise."""
    playlist = f"#EXTM3U\n#EXTINF:1.0,\n{bait}.ts\n#EXTINF:1.0,\nfile:///etc/passwd\n".encode()
    concat = f"ffconcat version 1.0\nfile '{bait}.mp4'\nfile /etc/passwd\n".encode()
    return {
        "playlist": playlist,
        "playlist-as-film": FTYP + playlist,
        "concat": concat,
        "concat-behind-film": film + concat,
        "elsewhere": references(film, b"/etc/passwd"),
        "wide": sized(film, 65_535),
        "many-streams": multiplied(film, 10_000),
        "fast": fast(film),
        "polyglot": film + b"PK\x05\x06" + bytes(18) + b"<script>alert(1)</script>",
        "nothing": FTYP * 100,
    }


async def _tried(scene: Scene, assets: Mapping[str, str]) -> list[str]:
    """Which of those that were taken in ended in an error of ours; which that are no films at all
    got as far as ffmpeg, although a look would have told.
    """
    async with ledger.opened(scene.site) as books:
        rows = await books.rows(
            "select asset_id::text, status, error_code, error from converter.queue_jobs"
            " where asset_id = any($1)",
            [UUID(asset) for asset in assets.values()],
        )
    ends = {row["asset_id"]: row for row in rows}
    notes = []
    for name, asset in assets.items():
        end = ends[asset]
        if end["error_code"] == "internal_error":
            notes.append(f"I3: {name} ended in {end['error']}")
        if name in _PLAIN and end["error_code"] not in REFUSALS["hostile"]:
            notes.append(f"F19: {name} got as far as {end['status']}, {end['error_code']}")
    return notes


async def _stolen(scene: Scene) -> list[str]:
    """Renditions that hold what no film has."""
    notes = []
    for path in Path(scene.site.directory, "s3").rglob("*"):
        if path.is_file() and "renditions" in path.parts and _SECRET in path.read_bytes():
            notes.append(f"F19: {path} holds what is nobody's")
    return notes


def _memory(pid: int) -> int:
    """Bytes resident at most, so far."""
    text = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


FAULTS = [Fault("F19", "hostile media", hostile_media, quick=True)]
