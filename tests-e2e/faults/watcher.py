"""A front end that listens: reconnects, resumes where it was, and remembers all it was told."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import aiohttp

from harness.client import Client, Json

TOPICS = ["assets", "operations"]
_PATIENCE = 30.0


@dataclass
class Watcher:
    """``told`` has the time and the frame of each numbered event, by its offset.

    It comes back ``pause`` seconds after its line was lost.
    """

    client: Client
    pause: float = 0.2
    told: dict[int, tuple[float, Json]] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)
    epoch: str | None = None
    offset: int | None = None
    first: int | None = None
    connections: int = 0

    async def watch(self) -> None:
        """Listen until cancelled, whatever happens to the line."""
        while True:
            try:
                async with asyncio.timeout(_PATIENCE):
                    ws = await self.client.session.ws_connect(
                        self.client.url + "/ws", headers=self.client.headers(), heartbeat=10
                    )
                async with ws:
                    await self._talk(ws)
            except (aiohttp.ClientError, OSError, TimeoutError, TypeError):
                pass
            await asyncio.sleep(self.pause)

    def when(self, operation_id: str) -> float | None:
        """When an operation was told of."""
        for at, frame in self.told.values():
            if frame["data"].get("operation_id") == operation_id:
                return at
        return None

    async def _talk(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async with asyncio.timeout(_PATIENCE):
            hello: Json = await ws.receive_json()
        if self.epoch is None:
            self.epoch, self.offset = hello["epoch"], hello["offset"]
            self.first = self.offset
        elif hello["epoch"] != self.epoch:
            self.wrongs.append("the stream began anew")
            self.epoch = hello["epoch"]
        wanted = {"action": "subscribe", "topics": TOPICS}
        await ws.send_json(wanted | {"since": self.offset, "epoch": self.epoch})
        self.connections += 1
        async for message in ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._hear(message.json())

    def _hear(self, frame: Json) -> None:
        if frame["type"] == "subscribed" and not frame["recovered"]:
            self.wrongs.append(f"not recovered from {self.offset}")
        if (offset := frame.get("offset")) is None or frame["type"] == "hello":
            return
        if self.offset is not None and offset <= self.offset:
            self.wrongs.append(f"offset {offset} came after {self.offset}")
        self.offset = offset
        self.told[offset] = (time.time(), frame)
