"""A server that only lets in who speaks TLS, before one that need not know of it."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Behind = Callable[[], Awaitable[Streams]]

_SSL_REQUEST = struct.pack("!II", 8, 80877103)
"""How a client of PostgreSQL asks for TLS (frontend/backend protocol, SSLRequest)."""


@asynccontextmanager
async def tls_door(
    behind: Behind, certificate: tuple[Path, Path], *, postgres: bool = False
) -> AsyncIterator[int]:
    """The port of a door to what ``behind`` connects to.

    TLS begins at once or, before PostgreSQL, when the client asks for it; one that does not is
    hung up on, as by a server that takes nothing else.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    visits: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        visits.add(task)
        try:
            with suppress(OSError, EOFError, ssl.SSLError):
                if postgres:
                    await _upgrade(reader, writer, context)
                await _pass_on((reader, writer), await behind())
        finally:
            writer.close()
            visits.discard(task)

    server = await asyncio.start_server(visit, "127.0.0.1", 0, ssl=None if postgres else context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in visits:
            task.cancel()
        await asyncio.gather(*visits, return_exceptions=True)


async def _upgrade(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext
) -> None:
    if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
        raise EOFError("plain")
    writer.write(b"S")
    await writer.start_tls(context)


async def _pass_on(client: Streams, server: Streams) -> None:
    """Both ways, until one side ends."""
    ways = [
        asyncio.create_task(_pump(source[0], target[1]))
        for source, target in ((client, server), (server, client))
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        server[1].close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
