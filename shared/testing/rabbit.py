"""A RabbitMQ node of our own: on private ports, in a directory of its own, to be broken at will."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from shared.db.unprivileged import leave_with

_STARTUP = 90.0


class RabbitNode:
    """One node of a local ``rabbitmq-server``, with its data in ``directory``.

    It survives ``kill()`` and ``start()`` on the same data and ports, like a broker that crashed.
    """

    def __init__(self, directory: Path, program: Path) -> None:
        self.directory = directory
        self.port, self._http_port, self._dist_port, self._epmd_port = free_ports(4)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}"
        self.management = f"http://127.0.0.1:{self._http_port}"
        self._program = program
        self._node: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The Erlang machine while it runs."""
        alive = self._node is not None and self._node.poll() is None
        return self._node.pid if self._node and alive else None

    async def start(self) -> None:
        """Start the node and wait until it takes connections. Raises TimeoutError."""
        (self.directory / "home").mkdir(parents=True, exist_ok=True)
        (self.directory / "plugins").write_text("[rabbitmq_management].\n")
        (self.directory / "rabbitmq.conf").write_text(self._configuration())
        if self._epmd is None:
            epmd = ["epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)]
            self._epmd = self._spawn(epmd)
        self._node = self._spawn([str(self._program)])
        starting = asyncio.create_task(open_to_clients(self.port, self.management))
        try:
            while not starting.done():
                if self.pid is None:
                    raise RuntimeError(f"rabbitmq-server ended; see {self.directory}/log")
                await asyncio.wait([starting], timeout=0.2)
            await starting
        finally:
            starting.cancel()

    async def stop(self) -> None:
        """Shut down in order; takes 6 s. The data stays for the next start."""
        self.resume()
        if self._node is not None:
            self._node.terminate()
            await _ended(self._node, 30)

    async def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        assert self._node is not None
        self._node.kill()
        await _ended(self._node, 10)

    async def discard(self) -> None:
        """End it for good, without ceremony."""
        for process in (self._node, self._epmd):
            if process is not None:
                process.kill()
                await _ended(process, 10)

    async def control(self, *arguments: str) -> None:
        """Tell the running node something by ``rabbitmqctl``. Raises CalledProcessError."""
        program = str(self._program.with_name("rabbitmqctl"))
        node = self._environment()["RABBITMQ_NODENAME"]
        process = self._spawn([program, "-n", node, *arguments])
        await asyncio.to_thread(process.wait, _STARTUP)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, arguments)

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers (SIGSTOP)."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after ``pause``."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGCONT)

    def _configuration(self) -> str:
        return (
            f"listeners.tcp.default = 127.0.0.1:{self.port}\n"
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self._http_port}\n"
            "disk_free_limit.absolute = 50MB\n"
            "vm_memory_high_watermark.absolute = 1GB\n"
            "log.console = false\n"
        )

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        home = self.directory / "home"
        with (self.directory / "output.log").open("ab") as output:
            return subprocess.Popen(
                command,
                env={"PATH": os.environ["PATH"], "HOME": str(home), **self._environment()},
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=leave_with(os.getpid(), signal.SIGKILL),  # noqa: PLW1509
            )

    def _environment(self) -> dict[str, str]:
        here = self.directory
        return {
            "RABBITMQ_NODENAME": f"marquee{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_BASE": str(here),
            "RABBITMQ_MNESIA_BASE": str(here / "mnesia"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "config"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
            # Lets the script become the Erlang machine, so that our signals reach it.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


async def open_to_clients(port: int, api: str) -> None:
    """Wait until a node answers at both its doors. Raises TimeoutError."""
    async with asyncio.timeout(_STARTUP), management(api) as session:
        while True:
            try:
                await greeted(port)
                await session.get("/api/vhosts")
            except (OSError, EOFError, aiohttp.ClientError):
                await asyncio.sleep(0.1)
            else:
                return


async def greeted(port: int) -> None:
    """Greet in AMQP 0-9-1 and hear back: Docker opens a port long before its owner does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"AMQP\x00\x00\x09\x01")
        await reader.readexactly(1)
    finally:
        writer.close()


def management(url: str, user: str = "guest", password: str = "guest") -> aiohttp.ClientSession:
    """The management API; anything but a success raises aiohttp.ClientResponseError."""
    return aiohttp.ClientSession(
        url,
        headers={"Authorization": aiohttp.encode_basic_auth(user, password)},
        timeout=aiohttp.ClientTimeout(total=30),
        raise_for_status=True,
    )


def free_ports(number: int) -> list[int]:
    """Ports of the loopback interface that nothing listens on just now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


async def _ended(process: subprocess.Popen[bytes], patience: float) -> None:
    """Wait for an end; make one if it takes too long."""
    deadline = asyncio.get_running_loop().time() + patience
    while process.poll() is None:
        if asyncio.get_running_loop().time() > deadline:
            process.kill()
        await asyncio.sleep(0.02)
