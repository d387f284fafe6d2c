"""What is to be broken: private servers, and every service in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from faults.supervisor import Member, Zygote
from harness.client import Client
from harness.fleet import SERVICES, Parts, free_port
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD
from shared.db.embedded import EmbeddedPostgres
from shared.testing.brokers import Breakable, own_broker
from shared.testing.proxy import Proxy, proxied
from shared.testing.s3 import S3Server, fresh_bucket, rclone

WORKERS = ("worker-1", "worker-2")

KEYS = {
    "MARQUEE_SECRET_KEY": "a secret that only the tests know, of some length",
    "MARQUEE_AUDIT_SIGNING_KEY": "another secret that only the tests know, as long",
}


@dataclass(frozen=True)
class Site:
    """The servers, the ways to two of them, and the services by name.

    ``to_broker`` and ``to_store`` are proxies that the services go through.
    """

    directory: Path
    postgres: EmbeddedPostgres
    broker: Breakable
    store: S3Server
    to_broker: Proxy
    to_store: Proxy
    parts: Parts
    members: Mapping[str, Member]
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        """The gateway's."""
        return self.members["gateway"].url

    @property
    def dsn(self) -> str:
        """The superuser's."""
        return self.postgres.admin_dsn()

    async def administrator(self) -> Client:
        """The first administrator, signed in."""
        client = Client(self.url, self.http)
        await client.log_in(EMAIL, PASSWORD)
        return client

    async def up(self) -> None:
        """Wait until every service is ready."""
        await asyncio.gather(*(member.up() for member in self.members.values()))


@asynccontextmanager
async def built(directory: Path, mutation: str | None = None) -> AsyncIterator[Site]:
    """Start all of it, from the main thread; stop it after the block.

    ``mutation`` is the fault against which the services shall be helpless.
    """
    async with AsyncExitStack() as stack:
        zygote = Zygote(directory / "zygote.log", mutation)
        stack.push_async_callback(zygote.close)
        postgres = EmbeddedPostgres(directory / "postgres", durable=False)
        stack.push_async_callback(postgres.stop)
        (directory / "rabbit").mkdir()
        broker = await own_broker(directory / "rabbit")
        stack.push_async_callback(broker.discard)
        store = rclone(directory / "s3")
        stack.push_async_callback(store.stop)
        await asyncio.gather(postgres.start(), broker.start(), store.start())
        amqp_url, to_broker = await stack.enter_async_context(proxied(broker.url))
        endpoint, to_store = await stack.enter_async_context(proxied(store.endpoint))
        bucket = await stack.enter_async_context(fresh_bucket(store.endpoint))
        parts = Parts(
            amqp_url=amqp_url,
            database_url=postgres.dsn(),
            database_admin_url=postgres.admin_dsn(),
            s3_endpoint=endpoint,
            s3_bucket=bucket.bucket,
            s3_region=bucket.region,
            s3_access_key=bucket.access_key,
            s3_secret_key=bucket.secret_key,
        )
        http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        members = _members(parts, directory, zygote)
        site = Site(directory, postgres, broker, store, to_broker, to_store, parts, members, http)
        stack.push_async_callback(_end, site)
        for member in members.values():
            member.start()
        await site.up()
        yield site


def _members(parts: Parts, directory: Path, zygote: Zygote) -> dict[str, Member]:
    ports = {name: free_port() for name in SERVICES}
    common = {
        **parts.environment(),
        **ADMINISTRATOR,
        **KEYS,
        **{f"MARQUEE_{name.upper()}_URL": f"http://127.0.0.1:{p}" for name, p in ports.items()},
        "MARQUEE_PORT": str(free_port()),
        "MARQUEE_LOG_FORMAT": "json",
    }
    modules = {name: name for name in SERVICES} | dict.fromkeys(WORKERS, "converter-worker")
    modules["gateway"] = "gateway"
    return {
        name: Member(
            name=name,
            services=[module],
            environment={
                **common,
                "MARQUEE_SERVICE_PORT": str(ports.get(name) or free_port()),
                "MARQUEE_DATA_DIR": str(directory / name),
            },
            home=directory / name,
            zygote=zygote,
        )
        for name, module in modules.items()
    }


async def _end(site: Site) -> None:
    await asyncio.gather(*(member.end() for member in site.members.values()))
