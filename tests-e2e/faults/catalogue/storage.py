"""The store of films is away, slow, and cut off in the middle."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from pathlib import Path

import aioboto3

from faults import ledger
from faults.failpoints import ABANDONED_SECONDS
from faults.fault import Fault, Scene
from faults.history import Call
from faults.site import WORKERS
from harness.waiting import eventually
from shared.testing.proxy import FAIR, Weather

AWAY = Weather(refuse=True)
OVERLOADED = Weather(
    answer=b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
SLOW = Weather(latency=0.3, jitter=0.2, slice=2048)

BUSY = Weather(latency=0.1)

_LARGE = 20 << 20
"""Bytes, more than is put at once."""


async def bad_store(scene: Scene) -> None:
    """Away, overloaded, slow, reset in the middle of an object, and whoever writes one, whole or in
    parts, killed in the middle of that.

    Survived by: tries of single requests and of whole conversions; a job is completed only after
    each object was looked at; what was begun is noted first, and removed when it came to nothing.
    """
    line = scene.site.to_store
    try:
        for weather, seconds in ((AWAY, 6.0), (OVERLOADED, 6.0), (SLOW, 10.0)):
            line.weather = weather
            await line.reset()
            await asyncio.sleep(scene.much(seconds / 2, seconds))
        for name in ("converter", *WORKERS):
            await asyncio.sleep(scene.random.uniform(0.5, 1.5))
            await line.reset()
            await asyncio.sleep(scene.random.uniform(0.5, 1.5))
            await scene.site.members[name].kill()
        begun = await _die_in_parts(scene)
    finally:
        line.weather = FAIR
    await scene.site.up()
    await begun
    await scene.load.busy(20)
    await _swept(scene)
    for asset in list(scene.load.uploader.open):
        await scene.load.ended(asset, within=200)
    scene.notes += await _broken(scene)


async def _die_in_parts(scene: Scene) -> asyncio.Task[Call]:
    """Kill who stores a large film, once parts of it are under way; it is sent again."""
    scene.site.to_store.weather = BUSY
    film = scene.load.uploader.film
    large = film + (_LARGE + 8).to_bytes(4) + b"free" + bytes(_LARGE)
    uploading = asyncio.create_task(scene.load.uploader.upload(large))
    await eventually(partial(_parts, scene, 1), within=30)
    await scene.site.members["converter"].kill()
    return uploading


async def _swept(scene: Scene) -> None:
    """Who comes up removes what was begun long ago and never ended."""
    await asyncio.sleep(ABANDONED_SECONDS)
    await scene.site.members["converter"].restart()
    await eventually(partial(_parts, scene, 0), within=20)


async def _parts(scene: Scene, number: int) -> None:
    """There are so many uploads in parts that have not ended."""
    parts = scene.site.parts
    session = aioboto3.Session(parts.s3_access_key, parts.s3_secret_key)
    async with session.client(
        "s3", endpoint_url=scene.site.store.endpoint, region_name=parts.s3_region
    ) as store:
        try:
            answer = await store.list_multipart_uploads(Bucket=parts.s3_bucket)
        except store.exceptions.NoSuchUpload:
            answer = {}
    begun = len(answer.get("Uploads", []))
    assert begun == number, f"I7: {begun} uploads in parts have not ended"


async def _broken(scene: Scene) -> list[str]:
    """Renditions whose objects are not there, whole."""
    async with ledger.opened(scene.site) as books:
        rows = await books.rows("select object_key, size_bytes, sha256 from converter.renditions")
    bucket = Path(scene.site.directory, "s3", scene.site.parts.s3_bucket)
    return [f"I1: {row['object_key']} is not whole" for row in rows if not _whole(bucket, row)]


def _whole(bucket: Path, row: ledger.Row) -> bool:
    try:
        content = (bucket / row["object_key"]).read_bytes()
    except FileNotFoundError:
        return False
    whole = hashlib.sha256(content).hexdigest() == row["sha256"]
    return whole and len(content) == row["size_bytes"]


FAULTS = [Fault("F20", "store away, slow and cut off", bad_store)]
