"""A TCP proxy that can be slow, cut lines in the middle of a frame, and swallow what is said."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from shared.bus.ending import end

_CHUNK = 64 * 1024
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends RST at once, and drops what was not sent."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How the lines are. ``latency`` and ``jitter`` are seconds for each piece, either way.

    ``slice`` is the most bytes that travel at once; ``swallow`` loses everything silently, in
    connections new and old; ``refuse`` resets whoever connects, and ``answer`` is said instead of
    anything else to whoever does.
    """

    latency: float = 0
    jitter: float = 0
    slice: int = _CHUNK
    swallow: bool = False
    refuse: bool = False
    answer: bytes = b""


FAIR = Weather()


class Proxy:
    """Passes connections on to ``port`` of this machine, in its present ``weather``."""

    def __init__(self, port: int, *, seed: int = 0) -> None:
        self.weather = FAIR
        self.port = 0
        self._upstream = port
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._lines: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    async def open(self) -> None:
        """Listen at a free port, which is then ``port``."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut everything."""
        if self._server:
            self._server.close()
        await self.reset()

    async def reset(self) -> None:
        """Reset every connection there is, whatever is under way on it."""
        lines, self._lines = self._lines, {}
        for writers in lines.values():
            for writer in writers:
                _reset(writer)
        await end(list(lines))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._lines[task] = [writer]
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        for writer in self._lines.pop(task, []):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.weather.refuse:
                raise ConnectionRefusedError
            if self.weather.answer:
                await _answer(reader, writer, self.weather.answer)
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            _reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._lines.get(task, []).append(back)
        await self._both_ways((reader, back), (there, writer))

    async def _both_ways(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Until both sides are through, or one way breaks."""
        pumps = [asyncio.create_task(self._pump(*way)) for way in ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            weather = self.weather
            if weather.swallow:
                continue
            for start in range(0, len(data), weather.slice):
                await self._delay(weather)
                writer.write(data[start : start + weather.slice])
                await writer.drain()
        if not self.weather.swallow:
            writer.write_eof()

    async def _delay(self, weather: Weather) -> None:
        if weather.latency:
            spread = self._random.uniform(-weather.jitter, weather.jitter)
            await asyncio.sleep(max(0.0, weather.latency + spread))


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[str, Proxy]]:
    """The same URL by way of a proxy, for as long as the block lasts."""
    parts = urlsplit(url)
    assert parts.port is not None
    proxy = Proxy(parts.port)
    await proxy.open()
    user, at, _ = parts.netloc.rpartition("@")
    try:
        yield urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{proxy.port}")), proxy
    finally:
        await proxy.close()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes
) -> None:
    """Say it to what is asked, and hang up once nothing more comes."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer)
    writer.write_eof()
    while await reader.read(_CHUNK):
        pass


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
