"""Clients that break off, dawdle, and claim what is not so."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from faults import ledger
from faults.catalogue.converting import GROWTH, resident
from faults.fault import Fault, Scene
from harness.waiting import eventually

_CLIENTS = 10
_HUGE = 10 << 30


async def bad_clients(scene: Scene) -> None:
    """Uploads dropped half way, bodies that trickle, 10 GiB announced, and chunks of a byte.

    Survived by: bodies that are streamed and counted, a time in which something must come, and
    notes of what was begun, by which it is removed.
    """
    names = ("gateway", "converter")
    async with ledger.opened(scene.site) as books:
        began = await books.one("select clock_timestamp()")
    before = {name: resident(scene.site.members[name].pid) for name in names}
    film = scene.load.uploader.film * 200
    await asyncio.gather(*(_drop(scene, film) for _ in range(_CLIENTS)))
    slow = [asyncio.create_task(_dawdle(scene)) for _ in range(_CLIENTS)]
    status = await _announce(scene, _HUGE)
    scene.expect(status == 413, f"F21: 10 GiB were answered {status}")
    status = await _crumble(scene, scene.load.uploader.film[:-100])
    scene.expect(status == 415, f"F21: half a film in tiny chunks was answered {status}")
    answers = await asyncio.gather(*slow)
    scene.expect(
        all(status in (400, 408, None) for status in answers), f"F21: who dawdled got {answers}"
    )
    for name in names:
        grown = resident(scene.site.members[name].pid) - before[name]
        scene.expect(grown < GROWTH, f"I7: {name} grew by {grown >> 20} MiB")

    async def forgotten() -> None:
        async with ledger.opened(scene.site) as books:
            left = await books.rows("select * from converter.incoming where noted_at > $1", began)
        assert not left, f"F21: noted for ever: {left}"

    await eventually(forgotten, within=90)


async def _open(scene: Scene, headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = urlsplit(scene.site.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    token = scene.load.client.token
    writer.write(
        f"POST /api/admin/assets?filename=bad.mp4 HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: video/mp4\r\n{headers}\r\n".encode()
    )
    await writer.drain()
    return reader, writer


async def _drop(scene: Scene, film: bytes) -> None:
    """Half of a film, and then nobody."""
    _, writer = await _open(scene, f"Content-Length: {len(film)}\r\n")
    writer.write(film[: len(film) // 2])
    await writer.drain()
    writer.transport.abort()


async def _dawdle(scene: Scene) -> int | None:
    """A few bytes, and then nothing, for as long as somebody waits for more."""
    reader, writer = await _open(scene, "Content-Length: 1000000\r\n")
    writer.write(scene.load.uploader.film[:100])
    return await _status(reader, writer, within=60)


async def _announce(scene: Scene, size: int) -> int | None:
    """A monster, of which only the beginning comes."""
    reader, writer = await _open(scene, f"Content-Length: {size}\r\n")
    writer.write(scene.load.uploader.film)
    return await _status(reader, writer, within=20)


async def _crumble(scene: Scene, film: bytes) -> int | None:
    """A film that lacks its end, in chunks of one byte."""
    reader, writer = await _open(scene, "Transfer-Encoding: chunked\r\n")
    for byte in film:
        writer.write(b"1\r\n%c\r\n" % byte)
    writer.write(b"0\r\n\r\n")
    return await _status(reader, writer, within=60)


async def _status(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, within: float
) -> int | None:
    """What is answered; None if the line is cut instead."""
    try:
        async with asyncio.timeout(within):
            line = await reader.readline()
    except ConnectionError:
        return None
    finally:
        writer.transport.abort()
    return int(line.split()[1]) if line else None


FAULTS = [Fault("F21", "clients that break off and dawdle", bad_clients)]
