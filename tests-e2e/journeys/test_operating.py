"""What operators see and do, on a whole product: the system page, parked messages, and more."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import orjson

from harness.client import Client, Json
from harness.launch import launched
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD, Product
from harness.waiting import eventually
from shared.contracts.context import Context
from shared.contracts.envelope import seal
from shared.contracts.identity import UserChanged
from shared.db.embedded import EmbeddedPostgres


async def test_the_system_page_knows_the_installation(product: Product) -> None:
    async def well() -> None:
        system.update(await product.client.get("/api/admin/system"))
        assert system["status"] == "ok", system["services"]

    system: Json = {}
    await eventually(well, within=30)
    assert {service["status"] for service in system["services"]} == {"ok"}
    assert {service["name"] for service in system["services"]} == {
        *("gateway", "identity", "converter", "assignment", "audit", "notifier")
    }
    queues = {queue["name"]: queue for queue in system["queues"]}
    assert set(queues) >= {"converter.tickets", "audit.trail", "notifier.store"}
    assert {queue["consumers"] for queue in queues.values()} == {1}
    assert system["conversions"]["slots"] >= 1
    assert system["database"]["connections"] > 0
    assert system["database"]["size_bytes"] > 0
    assert system["disk"]["blobs"]["kind"] == "directory"
    assert all(system["versions"].values())
    assert system["audit"]["holds"] is True
    assert system["audit"]["entries"] > 0


async def test_a_message_that_failed_is_parked_shown_and_replayed(product: Product) -> None:
    """A fact of an asset that nobody can read, until somebody mends the database."""
    client = product.client
    ident = await product.park()

    async def shown() -> None:
        page = await client.get("/api/admin/parked", queue="notifier.store")
        mine = [each for each in page["items"] if each["event_id"] == ident]
        assert len(mine) == 1, page
        item = mine[0]
        assert (item["error_class"], item["attempts"]) == ("UnknownEvent", 1)
        found.append(item)

    found: list[Json] = []
    await eventually(shown, within=30)
    path = f"/api/admin/parked/{found[0]['id']}"
    assert (await client.get(path))["body"] == "{}"
    replayed = await client.post(f"{path}/replay", expect=202)
    again = await client.post(f"{path}/replay", expect=200)
    assert (replayed["outcome"], again["outcome"]) == ("replayed", "replayed_before")

    async def told() -> None:
        trail = await client.get("/api/admin/audit", action="message_replayed")
        deeds = [each for each in trail["items"] if each["metadata"]["event_id"] == ident]
        assert [each["admin"]["email"] for each in deeds] == [EMAIL]

    async def parked_again() -> None:
        page = await client.get("/api/admin/parked", queue="notifier.store")
        mine = [each for each in page["items"] if each["event_id"] == ident]
        assert [each["replays"] for each in mine] == [1]

    await eventually(told, within=10)
    await eventually(parked_again, within=30)


async def test_a_replay_survives_kill_9(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    """Killed as soon as a replay is answered, the product does it once after its next start."""
    data_dir = tmp_path / "data"
    environment = {**ADMINISTRATOR, "MARQUEE_PORT": "0", "MARQUEE_DATA_DIR": str(data_dir)}
    poison = uuid4()
    async with launched(log=tmp_path / "log", environment=environment) as process:
        client = Client(process.url, http)
        await client.log_in(EMAIL, PASSWORD)
        user = await client.create_user(f"{uuid4().hex}@example.com")

        async def recorded() -> None:
            trail = await client.get("/api/admin/audit", user_id=user["id"])
            assert trail["items"]

        await eventually(recorded, within=10)
        await process.kill()
    await _park_again(data_dir, user["id"], poison)
    async with launched(log=tmp_path / "log", environment=environment) as process:
        client = Client(process.url, http)
        await client.log_in(EMAIL, PASSWORD)
        [item] = (await client.get("/api/admin/parked"))["items"]
        answer = await client.post(f"/api/admin/parked/{item['id']}/replay", expect=202)
        assert answer["event_id"] == str(poison)
        await process.kill()
    async with launched(log=tmp_path / "log", environment=environment) as process:
        client = Client(process.url, http)
        await client.log_in(EMAIL, PASSWORD)
        again = await client.post(f"/api/admin/parked/{item['id']}/replay", expect=200)
        assert again["outcome"] == "replayed_before"

        async def settled() -> None:
            queues = (await client.get("/api/admin/system"))["queues"]
            assert sum(queue["parked"] + queue["ready"] for queue in queues) == 0
            trail = await client.get("/api/admin/audit", user_id=user["id"])
            assert [each["action"] for each in trail["items"]] == ["user_created", "user_changed"]

        await eventually(settled, within=30)


async def _park_again(data_dir: Path, user_id: str, ident: UUID) -> None:
    """Put a good fact among the parked ones of the trail, as if it had failed before."""
    event = UserChanged(
        user_id=UUID(user_id),
        email="mia@example.com",
        display_name="Mia",
        role="user",
        disabled=False,
        changed=["name"],
        version=2,
    )
    message = seal(event, ident=ident, time=datetime.now(UTC), context=Context("default"))
    server = EmbeddedPostgres(data_dir / "postgres")
    await server.start()
    try:
        connection = await asyncpg.connect(server.admin_dsn())
        await connection.execute(
            "insert into bus.queue (queue, message_id, name, headers, payload, attempt, reason,"
            " parked_at) values ('audit.trail', $1, $2, $3, $4, 5, 'by hand', now())",
            ident,
            message.name,
            orjson.dumps(dict(message.headers)),
            message.body,
        )
        await connection.close()
    finally:
        await server.stop()
