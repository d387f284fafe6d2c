"""One listener's WebSocket: whole frames straight to its transport, and an end for the slow."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from aiohttp import WSMsgType, web
from prometheus_client import Counter

from shared.contracts.actor import Actor
from shared.contracts.identity import Role
from shared.contracts.socket import SLOW
from shared.web.actor import Claims
from shared.web.answer import encode

BEHIND_BYTES = 64 * 1024
BEHIND_SECONDS = 5.0
"""Who has more than so much waiting for longer than that is closed as slow: a burst is no fault."""

MOST_BYTES = 1024 * 1024
"""What may wait for one listener at all."""

KERNEL_BYTES = 64 * 1024
"""What the kernel may hold beside that; left alone it takes megabytes, and hides who is slow."""

CLOSING_SECONDS = 5.0
"""How long a listener that is told to go has to take the last frames."""

ended = Counter("marquee_notifier_sockets_ended_total", "Sockets ended by the server", ["code"])


def text_frame(body: bytes) -> bytes:
    """An unmasked text frame (RFC 6455, section 5.2)."""
    size = len(body)
    if size < 126:
        return bytes((0x81, size)) + body
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2) + body
    return b"\x81\x7f" + size.to_bytes(8) + body


class Socket:
    """A listener. ``topics`` is what is pushed to it."""

    __slots__ = ("_behind_since", "_closing", "_transport", "_ws", "claims", "topics")

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, claims: Claims) -> None:
        assert request.transport is not None
        self.claims = claims
        self.topics: set[str] = set()
        self._ws = ws
        self._transport = request.transport
        self._closing: asyncio.Task[bool] | None = None
        self._behind_since: float | None = None
        if connection := self._transport.get_extra_info("socket"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)

    @property
    def tenant(self) -> str:
        """Whose events it may hear of."""
        return self.claims.tenant

    @property
    def actor(self) -> Actor:
        """Who listens."""
        return self.claims.actor

    @property
    def role(self) -> Role:
        """In which role."""
        return self.claims.role

    def push(self, frame: bytes) -> None:
        """Write a whole frame without waiting, or end a listener that is too far behind."""
        transport = self._transport
        if self._closing or transport.is_closing():
            return
        waiting = transport.get_write_buffer_size()
        if waiting <= BEHIND_BYTES:
            self._behind_since = None
        elif self._too_slow(waiting):
            self.end(SLOW, "too slow")
            return
        transport.write(frame)

    def _too_slow(self, waiting: int) -> bool:
        now = asyncio.get_running_loop().time()
        if self._behind_since is None:
            self._behind_since = now
        return waiting > MOST_BYTES or now - self._behind_since > BEHIND_SECONDS

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message at the listener's pace. Raises ConnectionError if it is gone."""
        await self._ws.send_frame(encode(message), WSMsgType.TEXT)

    async def receive(self) -> bytes | None:
        """The next message, b"" if it is no text, or None at the end."""
        message = await self._ws.receive()
        if message.type is WSMsgType.TEXT:
            return str(message.data).encode()
        return b"" if message.type is WSMsgType.BINARY else None

    def end(self, code: int, reason: str) -> asyncio.Task[bool]:
        """Close with a code, the first time; who does not take it within 5 s is cut off."""
        if self._closing is None:
            ended.labels(code).inc()
            closing = self._ws.close(code=code, message=reason.encode(), drain=False)
            self._closing = asyncio.create_task(closing, name=f"close {code}")
            asyncio.get_running_loop().call_later(CLOSING_SECONDS, self._transport.abort)
        return self._closing
