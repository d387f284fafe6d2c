"""Many WebSockets in a process of their own, which only counts what arrives.

``python -m benchmarks.listeners`` takes on its standard input a JSON line ``{url, number,
headers}``, opens the sockets, subscribes each to the assets, and says ``ready``. Then each line
with a number of frames makes it wait for so many more, and tell when the first and the last came
(Unix time) and how old each was by its own ``time``, in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import uvloop

_TIME = re.compile(rb'"time": ?"([^"]+)"')
_PATIENCE = 120.0


@dataclass
class _Tally:
    """What all sockets have seen since it was last asked."""

    wanted: float = float("inf")
    times: list[tuple[float, bytes]] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    def saw(self, frame: bytes) -> None:
        self.times.append((time.time(), frame))
        if len(self.times) >= self.wanted:
            self.enough.set()

    async def wait(self, number: int) -> dict[str, Any]:
        self.wanted = number
        if len(self.times) < number:
            self.enough.clear()
            await asyncio.wait_for(self.enough.wait(), _PATIENCE)
        seen, self.times, self.wanted = self.times, [], float("inf")
        ages = [_age(*each) for each in seen]
        return {
            "first": seen[0][0],
            "last": seen[-1][0],
            "ages": [a for a in ages if a is not None],
        }


_moments: dict[bytes, float] = {}


def _age(arrived: float, frame: bytes) -> float | None:
    """Milliseconds since the time that an event names."""
    found = _TIME.search(frame)
    if found is None:
        return None
    if found[1] not in _moments:
        _moments[found[1]] = datetime.fromisoformat(found[1].decode()).timestamp()
    return (arrived - _moments[found[1]]) * 1000


async def _main() -> None:
    loop = asyncio.get_running_loop()
    given = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    tally = _Tally()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=given["headers"]) as session:
        sockets = [await session.ws_connect(given["url"] + "/ws") for _ in range(given["number"])]
        for ws in sockets:
            await ws.receive()
            await ws.send_json({"action": "subscribe", "topics": ["assets"]})
            await ws.receive()
        reading = [asyncio.create_task(_read(ws, tally)) for ws in sockets]
        print("ready", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(await tally.wait(int(line))), flush=True)
        for task in reading:
            task.cancel()


async def _read(ws: aiohttp.ClientWebSocketResponse, tally: _Tally) -> None:
    async for message in ws:
        tally.saw(message.data.encode())


@dataclass(frozen=True)
class Listeners:
    """The process, as the one that measures holds it."""

    process: asyncio.subprocess.Process

    async def told(self, frames: int) -> dict[str, Any]:
        """Wait for so many more frames over all sockets."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{frames}\n".encode())
        return dict(json.loads(await self._line()))

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        return await asyncio.wait_for(self.process.stdout.readline(), _PATIENCE)


@asynccontextmanager
async def listening(
    url: str, number: int, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Listeners]:
    """So many sockets, subscribed, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.listeners"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    try:
        listeners = Listeners(process)
        assert process.stdin is not None
        asked = {"url": url, "number": number, "headers": dict(headers or {})}
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        if await listeners._line() != b"ready\n":
            raise RuntimeError("the sockets could not be opened")
        yield listeners
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


if __name__ == "__main__":
    uvloop.run(_main())
