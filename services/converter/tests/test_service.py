"""The service as it is wired, on the embedded bus: uploads, conversions, stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer

from services.converter.service import build, build_worker
from services.converter.tests.asking import ASSETS, form
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import ADMIN
from shared.blobs.local import LocalBlobs
from shared.bus.embedded import EmbeddedBus
from shared.bus.outbox import Outbox
from shared.bus.relay import Relay
from shared.contracts.topology import CONVERTER_TICKETS
from shared.runtime.ids import new_id
from shared.runtime.keys import Keys
from shared.runtime.service import Loop, Runtime, Service
from shared.runtime.settings import RuntimeSettings, SettingsError
from shared.runtime.supervise import running_loops
from shared.testing.callers import SEAL, signed
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases
from shared.web.application import application


class House:
    """One process after another on the same database and the same directory."""

    def __init__(self, databases: Databases, home: Path) -> None:
        self.databases = databases
        self.home = home

    @asynccontextmanager
    async def process(self, *builders: Any) -> AsyncIterator[TestClient[Any, Any]]:
        """A process with these services, until the end of the block."""
        bus, blobs = EmbeddedBus(self.databases["bus"]), LocalBlobs(self.home / "blobs")
        await bus.open()
        await blobs.open()
        runtime = Runtime(
            settings=RuntimeSettings(data_dir=self.home),
            keys=Keys(b"root", b"audit"),
            new_id=new_id,
            bus=bus,
            blobs=blobs,
            databases=self.databases,
            peers={},
            sole_process=True,
            work_dir=self.home / "work",
        )
        relay = Relay(bus, [Outbox("converter", self.databases["converter"])])
        services: Sequence[Service] = [builder(runtime) for builder in builders]
        async with AsyncExitStack() as stack:
            stack.push_async_callback(bus.close)
            for service in services:
                for stop in service.on_stop:
                    stack.push_async_callback(stop)
                for start in service.on_start:
                    await start()
            loops = [loop for service in services for loop in service.loops]
            await stack.enter_async_context(running_loops([*loops, Loop("relay", relay.run)]))
            for service in services:
                for subscription in service.subscriptions:
                    bus.subscribe(subscription)
            stack.push_async_callback(bus.stop, 0.2)
            self.bus = bus
            app = application("converter", services[0].routes, seal=SEAL)
            yield await stack.enter_async_context(
                TestClient(TestServer(app), headers=signed(actor=ADMIN))
            )


@pytest.fixture
async def house(databases: OpenDatabases, tmp_path: Path) -> House:
    return House(await databases("converter", "bus"), tmp_path)


async def upload(client: TestClient[Any, Any], film: Path) -> str:
    async with client.post(ASSETS, data=form(film.read_bytes())) as answer:
        assert answer.status == 201, await answer.text()
        ident: str = (await answer.json())["id"]
        return ident


async def until(client: TestClient[Any, Any], ident: str, **wanted: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            async with client.get(f"{ASSETS}/{ident}") as answer:
                asset: dict[str, Any] = await answer.json()
            if wanted.items() <= asset.items():
                return asset
            await asyncio.sleep(0.05)


async def test_an_upload_is_converted_at_once(house: House, clip: MakeClip) -> None:
    async with house.process(build) as client:
        ident = await upload(client, await clip("sound"))
        asset = await until(client, ident, conversion_status="completed")
        assert asset["progress"] == 100
        assert asset["webm_url"].startswith(f"/media/{ident}/webm.webm?")
    assert [path for path in (house.home / "work").rglob("*") if path.is_file()] == []


async def test_a_predecessor_is_spoken_of_only_if_it_left_something(
    house: House, clip: MakeClip
) -> None:
    async with house.process(build) as client:
        ident = await upload(client, await clip("silent"))
        await until(client, ident, conversion_status="completed")
    for lease, told in ((None, []), (new_id(), ["predecessor_cleared"])):
        await house.databases.as_admin(
            "update converter.queue_jobs set status = case when $1::uuid is null then status"
            " else 'processing' end, lease_token = $1,"
            " lease_expires_at = case when $1::uuid is null then null else now() end",
            lease,
        )
        with structlog.testing.capture_logs() as logs:
            async with house.process(build):
                pass
        said = [line["event"] for line in logs]
        assert [event for event in said if event == "predecessor_cleared"] == told


async def test_a_stopped_process_leaves_its_work_to_the_next(house: House, clip: MakeClip) -> None:
    async with house.process(build) as client:
        ident = await upload(client, await clip("long"))
        await until(client, ident, conversion_status="processing")
    [job] = await house.databases.as_admin("select * from converter.queue_jobs")
    assert (job["status"], job["retry_count"]) in [("pending", 0), ("completed", 0)]

    async with house.process(build) as client:
        await until(client, ident, conversion_status="completed")
        async with asyncio.timeout(10):
            while (await house.bus.depth(CONVERTER_TICKETS.name)).ready:
                await asyncio.sleep(0.05)
    history = await house.databases.as_admin(
        "select status from converter.conversion_status_history order by seq"
    )
    assert [row["status"] for row in history] == ["pending", "processing", "completed"]


async def test_workers_alone_convert_what_others_took_in(house: House, clip: MakeClip) -> None:
    async with house.process(build, build_worker) as client:
        idents = [await upload(client, await clip("silent")) for _ in range(3)]
        for ident in idents:
            await until(client, ident, conversion_status="completed")


async def test_a_program_that_is_not_there_stops_the_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_FFMPEG", "/nowhere/ffmpeg")
    with pytest.raises(SettingsError, match="MARQUEE_FFMPEG"):
        async with house.process(build):
            pass


async def test_a_converter_without_slots_leaves_converting_to_workers(
    house: House, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_CONVERTER_SLOTS", "0")
    async with house.process(build) as client:
        ident = await upload(client, await clip("silent"))
        depth = await house.bus.depth(CONVERTER_TICKETS.name)
        assert depth.consumers == 0
    with pytest.raises(SettingsError, match="MARQUEE_CONVERTER_SLOTS"):
        async with house.process(build_worker):
            pass
    monkeypatch.setenv("MARQUEE_CONVERTER_SLOTS", "1")
    async with house.process(build, build_worker) as client:
        await until(client, ident, conversion_status="completed")
