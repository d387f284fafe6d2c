"""A PostgreSQL of our own: started from the wheel, reached by a Unix socket, gone with its parent.

The directory holds the cluster, the lock of the one process that runs it, the superuser's
password (0600) and the server's log. The server works inside the cluster directory
(``-D /proc/self/cwd -k .``), so neither the length of the path nor closed parents matter.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import asyncpg
import structlog

from shared.db import binaries, unprivileged

SUPERUSER = "postgres"
LOGIN = "marquee"
DATABASE = "marquee"

_SOCKET_PATH_LIMIT = 107
_PATIENCE = 30.0
_TICK = 0.005

_log = structlog.get_logger(__name__)


class AlreadyRunning(Exception):
    """Another process runs the database of this directory."""


class PostgresFailed(Exception):
    """The server did not start; the message ends with the last lines of its log."""


class EmbeddedPostgres:
    """The server of one directory. Start it from the main thread; it is restarted if it dies.

    ``durable=False`` gives up safety against power loss, for tests only.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory.absolute()
        self.cluster = self.directory / "cluster"
        self.log = self.directory / "server.log"
        self._durable = durable
        self._login_password = secrets.token_urlsafe(24)
        self._superuser_password = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._descriptors: list[int] = []
        self._host = str(self.cluster)

    def dsn(self, database: str = DATABASE) -> str:
        """Where services connect: a login that may only become the services' roles."""
        return self._dsn(LOGIN, self._login_password, database)

    def admin_dsn(self, database: str = DATABASE) -> str:
        """Where migrations and roles are made: the superuser."""
        return self._dsn(SUPERUSER, self._superuser_password, database)

    def admin_dsn_elsewhere(self) -> str:
        """Where the superuser finds the server of this directory that another process runs.

        To be given up with ``stop``, which leaves that server alone.
        """
        self._superuser_password = self._stored_password()
        self._host = self._reachable_host()
        return self.admin_dsn()

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    async def start(self) -> None:
        """Create the cluster if there is none, start the server and wait until it answers.

        Raises AlreadyRunning at once, PostgresFailed, or binaries.NoPostgres.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock()
        try:
            self._superuser_password = self._stored_password()
            self._keep_last_log()
            await self._stop_orphan()
            if not self.cluster.exists():
                await self._create_cluster()
            self._host = self._reachable_host()
            await self._launch()
            await self._admit_login()
        except BaseException:
            await self.stop()
            raise
        self._keeper = asyncio.create_task(self._keep_running(), name="embedded-postgres")

    async def stop(self) -> None:
        """Stop the server: gently for 10 s, then hard (it recovers at the next start)."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        process, self._process = self._process, None
        if process is not None:
            await _end(process.pid, lambda: process.poll() is None)
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _dsn(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@/{database}?host={quote(self._host)}&port=5432"

    def _lock(self) -> None:
        descriptor = os.open(self.directory / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunning(f"{self.directory} is in use by another process") from None
        self._descriptors.append(descriptor)

    def _stored_password(self) -> str:
        path = self.directory / "superuser-password"
        if not path.exists():
            building = path.with_suffix(".new")
            building.touch(mode=0o600)
            building.write_text(secrets.token_urlsafe(24))
            building.rename(path)
        return path.read_text()

    def _keep_last_log(self) -> None:
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))

    def _reachable_host(self) -> str:
        """The socket's directory, or a descriptor of ours where clients would refuse its path."""
        plain = re.fullmatch(r"[\w/.+-]+", str(self.cluster), re.ASCII)
        if plain and len(f"{self.cluster}/.s.PGSQL.5432") <= _SOCKET_PATH_LIMIT:
            return str(self.cluster)
        descriptor = os.open(self.cluster, os.O_PATH | os.O_DIRECTORY)
        self._descriptors.append(descriptor)
        return f"/proc/self/fd/{descriptor}"

    async def _stop_orphan(self) -> None:
        """End a server whose parent was killed, and forget a pid that is a stranger's by now."""
        pidfile = self.cluster / "postmaster.pid"
        try:
            pid = int(pidfile.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if self._works_here(pid):
            await _end(pid, lambda: self._works_here(pid))
        elif Path(f"/proc/{pid}").exists():
            pidfile.unlink(missing_ok=True)

    def _works_here(self, pid: int) -> bool:
        """Whether a process is a PostgreSQL in our cluster directory."""
        process = Path(f"/proc/{pid}")
        try:
            program = (process / "cmdline").read_bytes().split(b"\0", 1)[0]
            if not program.endswith(b"/postgres"):
                return False
            return self.cluster.samefile(process / "cwd")
        except PermissionError:
            # In a container, root may not look into processes of others; whose it is, it sees.
            return process.stat().st_uid == self.cluster.stat().st_uid
        except OSError:
            return False

    async def _create_cluster(self) -> None:
        """Build a cluster beside its place and rename it: one that exists is complete."""
        for interrupted in self.directory.glob("cluster.new-*"):
            shutil.rmtree(interrupted, ignore_errors=True)
        building = Path(tempfile.mkdtemp(prefix="cluster.new-", dir=self.directory))
        await self._initdb(building)
        _give(building, unprivileged.own_uid())
        building.rename(self.cluster)
        _sync(self.directory)

    async def _initdb(self, building: Path) -> None:
        uid = unprivileged.named_uid()
        _give(building, uid)
        reader, writer = os.pipe()
        os.write(writer, self._superuser_password.encode())
        os.close(writer)
        if os.geteuid() == 0:
            os.fchown(reader, uid, uid)
        arguments = [
            *("-D", "/proc/self/cwd", "-U", SUPERUSER, "--auth=scram-sha-256"),
            *(f"--pwfile=/dev/fd/{reader}", "--encoding=UTF8", "--locale-provider=builtin"),
            *("--locale=C.UTF-8", "--no-instructions", *([] if self._durable else ["--no-sync"])),
        ]
        command = unprivileged.with_a_name([str(_programs() / "initdb"), *arguments])
        with self.log.open("ab") as log:
            initdb = unprivileged.spawn(
                command, uid=uid, directory=building, log=log, keep=[reader]
            )
        os.close(reader)
        try:
            while initdb.poll() is None:
                await asyncio.sleep(_TICK)
        finally:
            initdb.terminate()
            initdb.wait(5)
        if initdb.returncode != 0:
            raise PostgresFailed(f"initdb failed: {self._last_words()}")

    async def _launch(self) -> None:
        """Start the server; try again while what a killed one left behind is still going away."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while not await self._launched():
            said = self._last_words()
            passing = "still in use" in said or "lock file" in said
            if not passing or asyncio.get_running_loop().time() > deadline:
                raise PostgresFailed(f"PostgreSQL did not start: {said}")
            await asyncio.sleep(0.1)

    async def _launched(self) -> bool:
        """Whether it came up. Waits for as long as it recovers from a crash."""
        with self.log.open("ab") as log:
            self._process = process = unprivileged.spawn(
                [str(_programs() / "postgres"), *_SERVER, *([] if self._durable else _HASTY)],
                uid=self.cluster.stat().st_uid,
                directory=self.cluster,
                log=log,
            )
        while process.poll() is None:
            if self._ready(process.pid):
                return True
            await asyncio.sleep(_TICK)
        return False

    def _ready(self, pid: int) -> bool:
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    async def _admit_login(self) -> None:
        """Make login and database if missing; the login's password is new at every start."""
        connection = await asyncpg.connect(self.admin_dsn(SUPERUSER))
        try:
            known = "select true from pg_roles where rolname = $1"
            verb = "alter" if await connection.fetchval(known, LOGIN) else "create"
            await connection.execute(
                f"{verb} role {LOGIN} login noinherit password '{self._login_password}'"
            )
            if not await connection.fetchval(
                "select true from pg_database where datname = $1", DATABASE
            ):
                await connection.execute(f"create database {DATABASE}")
        finally:
            await connection.close()

    async def _keep_running(self) -> None:
        """Start the server again whenever it dies."""
        while True:
            while self.pid is not None:
                await asyncio.sleep(0.1)
            _log.error("postgres_died", log=str(self.log))
            with contextlib.suppress(PostgresFailed):
                await self._launch()
                _log.info("postgres_restarted", pid=self.pid)

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:].strip()


_SERVER = (
    *("-D", "/proc/self/cwd", "-k", ".", "-h", ""),
    *("-c", "unix_socket_permissions=0700"),
    *("-c", "max_connections=200"),
    *("-c", "shared_buffers=64MB"),
    *("-c", "io_method=sync"),
    *("-c", "max_worker_processes=2"),
    *("-c", "max_parallel_workers=0"),
    *("-c", "max_logical_replication_workers=0"),
    *("-c", "wal_level=minimal"),
    *("-c", "max_wal_senders=0"),
    *("-c", "idle_in_transaction_session_timeout=60s"),
)

_HASTY = ("-c", "fsync=off", "-c", "full_page_writes=off")


def _programs() -> Path:
    return binaries.readable_by_anyone() if os.geteuid() == 0 else binaries.installed()


async def _end(pid: int, running: Callable[[], bool]) -> None:
    """Interrupt a server; insist after 10 s, kill after 5 more."""
    for number, patience in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = asyncio.get_running_loop().time() + patience
        while running():
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_TICK)
        else:
            return


def _give(tree: Path, uid: int) -> None:
    """Hand a tree to a uid; only root can, and only root needs to."""
    if os.geteuid() == 0:
        for path in (tree, *tree.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
