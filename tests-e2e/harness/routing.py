"""A door before a fleet, as an Ingress is: WebSockets lead to one server, all else to another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from harness.cli import carry


@asynccontextmanager
async def routed(*, sockets: str, everything: str) -> AsyncIterator[str]:
    """The address of a door that leads ``/ws``, exactly, and everything else to these."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        first, _, rest = head.partition(b"\r\n")
        path = first.split(b" ")[1].partition(b"?")[0]
        target = urlsplit(sockets if path == b"/ws" else everything)
        there, back = await asyncio.open_connection(target.hostname, target.port)
        # One request a connection, so that the next may lead elsewhere.
        once = b"" if path == b"/ws" else b"Connection: close\r\n"
        back.write(first + b"\r\n" + once + rest)
        ways = [
            asyncio.create_task(carry(reader, back)),
            asyncio.create_task(carry(there, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, back):
            end.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
