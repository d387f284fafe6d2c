"""A listener that asks for more than it reads: it reads nothing, once it is connected."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from faults.watcher import TOPICS, Watcher
from harness.client import Client

_ROOM = 4096
"""Bytes that the kernel takes in its place."""

_KEPT = 5000
"""Events that the notifier surely still has; if it no longer has one, it sends none."""

_ESTABLISHED = "01"


@asynccontextmanager
async def connected(client: Client) -> AsyncIterator[socket.socket]:
    """A WebSocket (RFC 6455), as far as its opening handshake."""
    url, loop = urlsplit(client.url), asyncio.get_running_loop()
    with socket.socket() as line:
        line.setblocking(False)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        await loop.sock_connect(line, (url.hostname, url.port))
        asked = (
            f"GET /ws HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {client.token}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: bXV0ZWQgYW5kIGZyb3plbg==\r\n\r\n"
        )
        await loop.sock_sendall(line, asked.encode())
        assert (await loop.sock_recv(line, 12)) == b"HTTP/1.1 101"
        yield line


async def ask_for_everything(line: socket.socket, heard: Watcher, times: int) -> None:
    """Have what a watcher was told of late sent again, so many times."""
    assert heard.first is not None
    assert heard.offset is not None
    since = max(heard.first, heard.offset - _KEPT)
    wanted = {"action": "subscribe", "topics": TOPICS, "since": since, "epoch": heard.epoch}
    for _ in range(times):
        await asyncio.get_running_loop().sock_sendall(line, _frame(json.dumps(wanted).encode()))


async def cut_off(line: socket.socket) -> None:
    """Wait until the other side has given up.

    Who reads nothing never hears of that, but on this machine the kernel tells for both sides.
    """
    ends = tuple(f"0100007F:{end[1]:04X}" for end in (line.getpeername(), line.getsockname()))
    while any(
        (words[1], words[2]) == ends and words[3] == _ESTABLISHED
        for words in map(str.split, Path("/proc/net/tcp").read_text().splitlines())
    ):
        await asyncio.sleep(0.1)


def _frame(text: bytes) -> bytes:
    """A text in one masked frame, of 126 to 65,535 bytes."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
    return struct.pack(">BBH", 0x81, 0x80 | 126, len(text)) + mask + masked
