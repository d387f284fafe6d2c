"""The servers that the products under measurement stand on: private, and as durable as any."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aio_pika
import aiohttp
import asyncpg

from harness.client import Client
from harness.fleet import SERVICES, free_port
from harness.launch import ROOT, Process, launched
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD
from shared.contracts.topology import QUEUES
from shared.db.embedded import EmbeddedPostgres
from shared.testing.brokers import Breakable, Broker, fresh_vhost, own_broker
from shared.testing.databases import Databases, PostgresServer, fresh_databases

READY = b"ready at "
"""What a bare server says first; its URL follows."""

KEYS = {
    "MARQUEE_SECRET_KEY": "a secret that only benchmarks know, of some length",
    "MARQUEE_AUDIT_SIGNING_KEY": "another secret that only benchmarks know, as long",
}
_SETTLED = 3
_PATIENCE = 600.0


@dataclass(frozen=True)
class Place:
    """A database, a virtual host and a directory that processes of the product share."""

    dsn: str
    admin_dsn: str
    amqp_url: str
    directory: Path

    @asynccontextmanager
    async def running(
        self, *names: str, program: str = "services", **environment: str
    ) -> AsyncIterator[Process]:
        """The named services, or all of them, in a process."""
        given = {
            **ADMINISTRATOR,
            **KEYS,
            "MARQUEE_DATABASE_URL": self.dsn,
            "MARQUEE_DATABASE_ADMIN_URL": self.admin_dsn,
            "MARQUEE_AMQP_URL": self.amqp_url,
            "MARQUEE_DATA_DIR": str(self.directory),
            "MARQUEE_LOG_FORMAT": "json",
            "MARQUEE_PORT": "0",
            "MARQUEE_SERVICE_PORT": "0",
            **environment,
        }
        log = self.directory / f"{'-'.join(names) or 'all'}.log"
        async with launched(
            *names, log=log, environment=given, within=180, program=program
        ) as process:
            yield process


@dataclass(frozen=True)
class Product:
    """A product under measurement, its administrator, and where its data lies."""

    place: Place
    processes: Mapping[str, Process]
    client: Client

    @property
    def pids(self) -> list[int]:
        """All its processes."""
        return [process.pid for process in self.processes.values()]

    async def settled(self) -> None:
        """Wait until nothing is on its way any more: outboxes, marks and queues are empty.

        Raises TimeoutError after ten minutes.
        """
        calm = 0
        async with (
            asyncio.timeout(_PATIENCE),
            await aio_pika.connect(self.place.amqp_url) as connection,
            connection.channel() as channel,
        ):
            database = await asyncpg.connect(self.place.admin_dsn)
            waiting = " union all ".join(f"select 1 from {name}.outbox" for name in SERVICES)
            marks = "select 1 from assignment.dirty_assets"
            while calm < _SETTLED:
                queues = [
                    (await channel.declare_queue(queue.name, passive=True)).declaration_result
                    for queue in QUEUES
                ]
                busy = await database.fetchval(f"select exists ({waiting} union all {marks})")
                empty = not busy and not any(queue.message_count for queue in queues)
                calm = calm + 1 if empty else 0
                await asyncio.sleep(0.1)
            await database.close()


@dataclass
class Stage:
    """A PostgreSQL with fsync and a RabbitMQ, each for this run alone."""

    directory: Path
    postgres: PostgresServer
    broker: Broker
    http: aiohttp.ClientSession
    _numbers: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """An empty database and an empty virtual host."""
        async with (
            fresh_databases(self.postgres) as fresh,
            fresh_vhost(self.broker, self.directory) as amqp_url,
        ):
            directory = self.directory / f"place-{self._numbers()}"
            directory.mkdir()
            yield Place(fresh.dsn, fresh.admin_dsn, amqp_url, directory)

    @asynccontextmanager
    async def product(
        self, *apart: str, program: str = "services", **environment: str
    ) -> AsyncIterator[Product]:
        """All services in one process, but for those that shall have one of their own."""
        ports = {name: free_port() for name in apart}
        urls = {f"MARQUEE_{n.upper()}_URL": f"http://127.0.0.1:{p}" for n, p in ports.items()}
        together = [name for name in ("gateway", *SERVICES) if name not in apart]
        async with self.place() as place, AsyncExitStack() as stack:
            started = {
                name: await stack.enter_async_context(
                    place.running(
                        name, program=program, MARQUEE_SERVICE_PORT=str(port), **environment
                    )
                )
                for name, port in ports.items()
            }
            main = await stack.enter_async_context(
                place.running(*together, program=program, **urls, **environment)
            )
            client = Client(main.url, self.http)
            await client.log_in(EMAIL, PASSWORD)
            yield Product(place, {"gateway": main, **started}, client)

    @asynccontextmanager
    async def database(self, *schemas: str) -> AsyncIterator[Databases]:
        """A database with the very tables and indexes of the product, for a baseline."""
        async with fresh_databases(self.postgres, *schemas) as databases:
            yield databases


@asynccontextmanager
async def staged(directory: Path) -> AsyncIterator[Stage]:
    """Start the servers, and stop them after the block."""
    async with AsyncExitStack() as stack:
        postgres = EmbeddedPostgres(directory / "postgres")
        stack.push_async_callback(postgres.stop)
        await postgres.start()
        (directory / "rabbit").mkdir()
        node: Breakable = await own_broker(directory / "rabbit")
        stack.push_async_callback(node.discard)
        await node.start()
        http = await stack.enter_async_context(
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=600), connector=aiohttp.TCPConnector(limit=0)
            )
        )
        server = PostgresServer(postgres.dsn("{database}"), postgres.admin_dsn("{database}"))
        yield Stage(directory, server, Broker(node.url, node.management), http)


@dataclass(frozen=True)
class Bare:
    """A baseline that answers, in a process of its own."""

    pid: int
    url: str


@asynccontextmanager
async def bare(module: str, *arguments: str, **environment: str) -> AsyncIterator[Bare]:
    """Run ``python -m benchmarks.<module>``, which says at which URL it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"benchmarks.{module}", *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        if not line.startswith(READY):
            raise RuntimeError(f"{module} did not get ready: {line!r}")
        yield Bare(process.pid, line.removeprefix(READY).decode().strip())
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
