"""Every service as a process of its own, over RabbitMQ, PostgreSQL and S3."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.launch import Process, launched
from harness.product import ADMINISTRATOR
from shared.testing import servers
from shared.testing.brokers import Broker, fresh_vhost
from shared.testing.databases import PostgresServer, fresh_databases
from shared.testing.s3 import fresh_bucket

SERVICES = ("identity", "converter", "assignment", "audit", "notifier")
"""What the gateway routes to."""


@dataclass(frozen=True)
class Parts:
    """The servers that a fleet stands on."""

    amqp_url: str
    database_url: str
    database_admin_url: str
    s3_endpoint: str
    s3_bucket: str
    s3_region: str
    s3_access_key: str
    s3_secret_key: str

    def environment(self) -> dict[str, str]:
        """As the variables of the contract."""
        return {f"MARQUEE_{name.upper()}": value for name, value in vars(self).items()}


@asynccontextmanager
async def fresh_parts(postgres: PostgresServer, broker: Broker) -> AsyncIterator[Parts]:
    """An empty database, an empty virtual host and an empty bucket."""
    async with (
        fresh_databases(postgres) as databases,
        fresh_vhost(broker, servers.directory()) as amqp_url,
        fresh_bucket(servers.ask("rclone")) as store,
    ):
        yield Parts(
            amqp_url=amqp_url,
            database_url=databases.dsn,
            database_admin_url=databases.admin_dsn,
            s3_endpoint=store.endpoint,
            s3_bucket=store.bucket,
            s3_region=store.region,
            s3_access_key=store.access_key,
            s3_secret_key=store.secret_key,
        )


@dataclass(frozen=True)
class Fleet:
    """The running processes by name; ``url`` is the gateway's."""

    url: str
    amqp_url: str
    processes: dict[str, Process]


def environment_of(parts: Parts, urls: Mapping[str, str]) -> dict[str, str]:
    """What all processes of a fleet are told; ``urls`` says where the gateway finds each."""
    return {
        **parts.environment(),
        **ADMINISTRATOR,
        **{f"MARQUEE_{name.upper()}_URL": url for name, url in urls.items()},
        "MARQUEE_SECRET_KEY": "a secret that only the tests know, of some length",
        "MARQUEE_AUDIT_SIGNING_KEY": "another secret that only the tests know, as long",
        "MARQUEE_PORT": "0",
    }


@asynccontextmanager
async def fleet(parts: Parts, directory: Path, *, workers: int = 2) -> AsyncIterator[Fleet]:
    """Start the services, ``workers`` more that only convert, and the gateway."""
    ports = {name: free_port() for name in SERVICES}
    common = environment_of(parts, {name: f"http://127.0.0.1:{p}" for name, p in ports.items()})
    named = {name: (name, ports[name]) for name in SERVICES}
    named |= {f"worker-{n}": ("converter-worker", 0) for n in range(1, workers + 1)}
    named["gateway"] = ("gateway", 0)
    async with AsyncExitStack() as stack:

        async def start(name: str, service: str, port: int) -> Process:
            environment = common | {
                "MARQUEE_SERVICE_PORT": str(port),
                "MARQUEE_DATA_DIR": str(directory / name),
            }
            log = directory / f"{name}.log"
            return await stack.enter_async_context(
                launched(service, log=log, environment=environment)
            )

        started = await asyncio.gather(*(start(name, *what) for name, what in named.items()))
        processes = dict(zip(named, started, strict=True))
        yield Fleet(processes["gateway"].url, parts.amqp_url, processes)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
