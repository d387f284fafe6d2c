"""The command line as somebody uses it: with a home of its own, over a line that may break."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from harness.launch import ROOT


@dataclass(frozen=True)
class Ran:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    told: str

    @property
    def json(self) -> Any:
        """The standard output, which is nothing but JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Marquee:
    """Somebody at a terminal of theirs; without a token they sign in."""

    url: str
    home: Path
    token: str | None = None

    async def __call__(
        self, *arguments: object, expect: int = 0, stdin: str = "", **environment: str
    ) -> Ran:
        """Run a command to its end. Fails if it ends with another code, or with a stack trace."""
        process = await self.start(*arguments, **environment)
        async with asyncio.timeout(120):
            out, told = await process.communicate(stdin.encode())
        ran = Ran(process.returncode or 0, out.decode(), told.decode())
        assert ran.code == expect, ran
        assert "Traceback" not in ran.told, ran
        return ran

    async def at_terminal(self, *arguments: object, typed: str = "") -> Ran:
        """Run a command whose input and words are a terminal's, to its end."""
        ours, theirs = os.openpty()
        with os.fdopen(ours, "rb+", buffering=0) as keyboard:
            process = await self.start(*arguments, terminal=theirs)
            os.close(theirs)
            keyboard.write(typed.encode())
            told = asyncio.create_task(asyncio.to_thread(_screen, keyboard))
            async with asyncio.timeout(120):
                out, _ = await process.communicate()
                return Ran(process.returncode or 0, out.decode(), (await told).decode())

    async def start(
        self, *arguments: object, terminal: int = asyncio.subprocess.PIPE, **environment: str
    ) -> asyncio.subprocess.Process:
        """Begin a command."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MARQUEE_", "XDG_"))
        }
        given = {"MARQUEE_URL": self.url, "HOME": str(self.home), "TZ": "UTC"}
        token = {"MARQUEE_TOKEN": self.token} if self.token else {}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", *map(str, arguments)),
            cwd=ROOT,
            env=kept | given | token | environment,
            stdin=terminal,
            stdout=asyncio.subprocess.PIPE,
            stderr=terminal,
        )


def _screen(terminal: IO[bytes]) -> bytes:
    """All that appears, until nobody writes any more."""
    shown = b""
    with suppress(OSError):
        while some := terminal.read(4096):
            shown += some
    return shown


@dataclass
class Line:
    """A line to a server, through which only so many bytes go up; ``stuck`` tells of the last."""

    target: str
    url: str = ""
    room: int | None = None
    stuck: asyncio.Event = field(default_factory=asyncio.Event)
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    def open(self) -> None:
        """Let everything through from now on; what was stuck is lost."""
        self.room = None

    def drop(self) -> None:
        """Break every connection there is, and let everything through from now on."""
        self.open()
        for end in self._ends:
            end.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        parts = urlsplit(self.target)
        try:
            there, back = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError:
            writer.close()
            return
        ends = {writer, back}
        self._ends |= ends
        ways = [
            asyncio.create_task(self._up(reader, back)),
            asyncio.create_task(carry(there, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for task in ways:
            task.cancel()
        for end in ends:
            end.close()
        self._ends -= ends

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(16 * 1024):
                if self.stuck.is_set() and self.room == 0:
                    continue  # swallowed
                if self.room is not None:
                    chunk, self.room = chunk[: self.room], max(0, self.room - len(chunk))
                writer.write(chunk)
                await writer.drain()
                if self.room == 0:
                    self.stuck.set()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One way, until either end closes."""
    with suppress(OSError):
        while chunk := await reader.read(64 * 1024):
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line to a server, open until it is told otherwise."""
    line = Line(url)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
