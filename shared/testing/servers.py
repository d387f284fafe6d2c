"""The private servers of one test run, kept by a process of their own.

``python -m shared.testing.servers DIRECTORY`` starts a server when a test first asks for it,
shares it between all workers, and stops everything when its standard input closes: at the end
of the run, on Ctrl-C, and when pytest is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.testing.s3 import S3Server

PLACE = "MARQUEE_TEST_SERVERS"
"""The environment variable by which workers find the servers of their run."""

_ROOT = Path(__file__).parents[2]
_PATIENCE = 300.0


class ServerMissing(Exception):
    """A server that the tests need cannot be had on this machine."""


class Servers:
    """Starts the keeping process, and ends it with everything it keeps."""

    def __init__(self) -> None:
        # Not under TMPDIR: the path of a Unix socket must be short.
        self.directory = Path(tempfile.mkdtemp(prefix="marquee-test-", dir="/tmp"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(self.directory)],
            stdin=subprocess.PIPE,
            cwd=_ROOT,
            start_new_session=True,
        )
        os.environ[PLACE] = str(self.directory)

    def close(self) -> None:
        """Stop all servers and remove what they wrote."""
        os.environ.pop(PLACE, None)
        self._process.communicate(timeout=60)


def ask(name: str) -> Any:
    """What is to be known about a server, started if need be. Raises ServerMissing."""
    with _connection() as connection:
        connection.sendall(f"{name}\n".encode())
        with connection.makefile() as lines:
            answer = json.loads(lines.readline() or '{"missing": "the servers have ended"}')
    if "missing" in answer:
        raise ServerMissing(answer["missing"])
    return answer["known"]


def _connection() -> socket.socket:
    """The keeper's socket; it may take a moment to appear."""
    path = str(directory() / "socket")
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE)
    for _ in range(200):
        try:
            connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.05)
        else:
            return connection
    connection.close()
    raise ServerMissing("the process that keeps the test servers did not start")


def directory() -> Path:
    """Where this run keeps its servers."""
    return Path(os.environ[PLACE])


Start = Callable[[Path, AsyncExitStack], Awaitable[Any]]


async def _postgres(directory: Path, stack: AsyncExitStack) -> dict[str, str]:
    from shared.db.embedded import EmbeddedPostgres  # noqa: PLC0415 - only if asked for

    server = EmbeddedPostgres(directory, durable=False)
    await server.start()
    stack.push_async_callback(server.stop)
    return {"login": server.dsn("{database}"), "admin": server.admin_dsn("{database}")}


async def _rabbit(directory: Path, stack: AsyncExitStack) -> dict[str, str | None]:
    from shared.testing import brokers  # noqa: PLC0415 - only if asked for

    given = os.environ.get(brokers.GIVEN)
    if given:
        return asdict(await brokers.given_broker(given))
    broker = await brokers.own_broker(directory)
    stack.push_async_callback(broker.discard)
    await broker.start()
    return {"url": broker.url, "management": broker.management}


async def _moto(directory: Path, stack: AsyncExitStack) -> str:
    from shared.testing import s3  # noqa: PLC0415 - only if asked for

    return await _s3(s3.moto(directory), stack)


async def _rclone(directory: Path, stack: AsyncExitStack) -> str:
    from shared.testing import s3  # noqa: PLC0415 - only if asked for

    return await _s3(s3.rclone(directory), stack)


async def _s3(server: S3Server, stack: AsyncExitStack) -> str:
    stack.push_async_callback(server.stop)
    await server.start()
    return server.endpoint


STARTS: dict[str, Start] = {
    "postgres": _postgres,
    "rabbit": _rabbit,
    "moto": _moto,
    "rclone": _rclone,
}


class _Keeper:
    def __init__(self, directory: Path, stack: AsyncExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._started: dict[str, asyncio.Task[Any]] = {}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question with what is known about a server."""
        name = (await reader.readline()).decode().strip()
        if name not in self._started:
            starting = STARTS[name](self._directory / name, self._stack)
            self._started[name] = asyncio.ensure_future(starting)
        try:
            answer = {"known": await self._started[name]}
        except Exception as error:
            answer = {"missing": f"{name}: {error}"}
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
        writer.close()


async def _keep(directory: Path) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), over.set)
    loop.add_signal_handler(signal.SIGTERM, over.set)
    async with AsyncExitStack() as stack:
        keeper = _Keeper(directory, stack)
        await asyncio.start_unix_server(keeper.answer, directory / "socket")
        await over.wait()


def main() -> None:
    """Keep servers in the given directory until standard input closes; then remove it."""
    directory = Path(sys.argv[1])
    try:
        asyncio.run(_keep(directory))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
