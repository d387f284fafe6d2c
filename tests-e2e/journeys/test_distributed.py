"""First light with each service as its own process, over RabbitMQ, PostgreSQL and S3."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import aio_pika
import aiohttp
import pytest

from harness.client import Client, Json
from harness.clips import make_clip
from harness.events import ONCE, announced, check_once
from harness.fleet import Fleet, fleet, fresh_parts
from harness.journey import travel
from harness.launch import Process, children_of, working_in
from harness.product import EMAIL, PASSWORD
from harness.routing import routed
from harness.waiting import eventually
from shared.testing.brokers import Broker
from shared.testing.databases import PostgresServer

pytestmark = pytest.mark.xdist_group("fleet")


@pytest.fixture(scope="module")
async def distributed(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, broker: Broker
) -> AsyncIterator[Fleet]:
    """The fleet; its processes are shared by the tests of this file."""
    async with (
        fresh_parts(postgres, broker) as parts,
        fleet(parts, tmp_path_factory.mktemp("fleet")) as running,
    ):
        yield running


@pytest.fixture(scope="module")
async def door(distributed: Fleet) -> AsyncIterator[str]:
    """Where people come in: WebSockets lead straight to the notifier, as they do in production."""
    notifier = distributed.processes["notifier"].url
    async with routed(sockets=notifier, everything=distributed.url) as url:
        yield url


@pytest.fixture
async def client(door: str, http: aiohttp.ClientSession) -> Client:
    """The administrator."""
    client = Client(door, http)
    await client.log_in(EMAIL, PASSWORD)
    return client


async def really_wait() -> None:
    """Let the undo window pass as a person would."""
    await asyncio.sleep(30.1)


async def test_one_upload_travels_the_whole_way(client: Client, clip: Path) -> None:
    await travel(client, clip, really_wait)


async def test_sockets_lead_past_the_gateway(distributed: Fleet, client: Client) -> None:
    """Whoever lets somebody in tells of it."""
    async with client.socket("operations"):
        pass

    async def told() -> None:
        assert '"route":"/ws"' in distributed.processes["notifier"].log.read_text()

    await eventually(told, within=5)
    assert '"route":"/ws"' not in distributed.processes["gateway"].log.read_text()


@pytest.mark.parametrize("way", ["routed", "by the gateway"])
async def test_who_is_disabled_is_out_at_once_in_every_process(
    distributed: Fleet, client: Client, way: str
) -> None:
    email = f"{uuid4().hex}@example.com"
    user = await client.create_user(email, role="admin", password=PASSWORD)
    somebody = Client(client.url if way == "routed" else distributed.url, client.session)
    await somebody.log_in(email, PASSWORD)
    async with somebody.socket("operations") as socket:
        path = f"/api/admin/users/{user['id']}"
        await client.call("PATCH", path, expect=200, json={"disabled": True})
        assert await socket.ended(within=1) == 4001
    problem = await somebody.get("/api/admin/users", expect=401)
    assert problem["code"] == "invalid_token"


async def test_a_killed_worker_s_conversion_completes_once(
    distributed: Fleet, client: Client, tmp_path: Path
) -> None:
    sources = [make_clip(tmp_path / f"{n}.mp4", seconds=9 + n, size="1280x720") for n in range(3)]
    assets = [await client.upload(source) for source in sources]
    victim = await _busy_worker(distributed)

    await victim.kill()

    home = victim.log.with_suffix("")

    async def gone() -> None:
        assert not working_in(home)

    await eventually(gone, within=5)
    for asset in assets:
        await client.completed(asset["id"], within=240)
        await check_once(client, asset["id"])
    assert await announced(client, assets[0]["id"]) == ONCE


async def test_operators_see_all_processes_and_replay_over_the_broker(
    distributed: Fleet, client: Client
) -> None:
    """The last of this file: it kills a service."""

    async def well() -> None:
        system = await client.get("/api/admin/system")
        assert system["status"] == "ok", system["services"]
        assert system["versions"]["broker"].startswith("RabbitMQ ")
        assert system["disk"]["blobs"] == {"kind": "s3", "space": None}
        consumers = {queue["name"]: queue["consumers"] for queue in system["queues"]}
        assert consumers["audit.trail"] == 1
        assert consumers["converter.tickets"] >= 2
        assert system["conversions"]["workers"] == consumers["converter.tickets"]

    await eventually(well, within=30)
    connection = await aio_pika.connect(distributed.amqp_url)
    async with connection, connection.channel() as channel:
        poison = aio_pika.Message(b"no JSON", headers={"ce-tenantid": "default"})
        await channel.default_exchange.publish(poison, routing_key="notifier.store")

    async def only(replays: int) -> Json:
        items = (await client.get("/api/admin/parked", queue="notifier.store"))["items"]
        assert [each["replays"] for each in items] == [replays], items
        assert items[0]["error_class"] == "MalformedMessage"
        return dict(items[0])

    async def parked(replays: int) -> None:
        await only(replays)

    await eventually(partial(parked, 0), within=30)
    path = f"/api/admin/parked/{(await only(0))['id']}/replay"
    assert (await client.post(path, expect=202))["outcome"] == "replayed"
    await eventually(partial(parked, 1), within=30)
    told = await client.post("/api/admin/resync", {"consumer": "converter"}, expect=202)
    assert told["told"][0]["count"] > 0

    await distributed.processes["notifier"].kill()
    system = await client.get("/api/admin/system")
    states = {each["name"]: each["status"] for each in system["services"]}
    assert states.pop("gateway") == "degraded"
    assert [name for name, status in states.items() if status == "down"] == ["notifier"]


async def _busy_worker(distributed: Fleet) -> Process:
    """A process that only converts, in the middle of it."""
    workers = [distributed.processes[name] for name in ("worker-1", "worker-2")]
    async with asyncio.timeout(60):
        while True:
            for worker in workers:
                if children_of(worker.pid):
                    await asyncio.sleep(1)  # well into it
                    return worker
            await asyncio.sleep(0.05)
