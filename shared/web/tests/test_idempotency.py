"""What an Idempotency-Key promises, on a small service with a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel
from sqlalchemy import text

from shared.contracts.actor import Actor
from shared.contracts.converter import RenditionReady
from shared.contracts.refusal import Refusal
from shared.db import Database, Statement, Tx, idempotency
from shared.db.migrate import Schema
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases
from shared.web import Answer, Call, Routes
from shared.web.application import application

DEMO = Schema("demo", Path(__file__).with_name("demo"))
ADA, BOB = Actor.user(new_id()), Actor.user(new_id())

ADD = Statement(text("insert into demo.lamps (id, room) values (:id, :room)"))
ROOM = Statement(text("select id from demo.rooms where room = :room"))


class NoSuchRoom(Refusal):
    """There is no such room."""

    code = "room_not_found"
    status = 404
    title = "No such room"


class NewLamp(BaseModel):
    room: str
    secret: str | None = None


class Lamp(BaseModel):
    id: UUID
    room: str
    secret: str | None


@dataclass
class Parts:
    """``done`` is set once a lamp is there, before its commit; which waits for ``go``."""

    database: Database
    patience: float = 0.0
    breaks: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)


lamps = Routes("lamps")


@lamps.post("/api/lamps", answers={201: Lamp}, refusals=[NoSuchRoom], idempotent=True)
async def add(call: Call[Parts], body: NewLamp) -> Answer:
    """Put a lamp into a room."""

    async def command(tx: Tx) -> Answer:
        if not await tx.fetchval(ROOM, room=body.room):
            raise NoSuchRoom(f"There is no {body.room}.", patience=call.parts.patience)
        ident = tx.new_id()
        await tx.execute(ADD, id=ident, room=body.room)
        tx.emit(RenditionReady(asset_id=ident, rendition="mp4", object_key="x"))
        call.parts.done.set()
        await asyncio.wait_for(call.parts.go.wait(), 10)
        if call.parts.breaks:
            raise ConnectionResetError
        lamp = Lamp(id=ident, room=body.room, secret=body.secret)
        return Answer(201, lamp, {"Location": f"/api/lamps/{ident}"})

    return await call.once(call.parts.database, command)


@lamps.post("/api/lamps/{lamp_id}/dust", answers={204: None}, idempotent=True)
async def dust(call: Call[Parts], lamp_id: UUID) -> Answer:
    """Dust a lamp; there is nothing to say about it."""

    async def command(tx: Tx) -> Answer:
        return Answer(204)

    return await call.once(call.parts.database, command)


@lamps.post("/api/lamps/heedless", answers={200: Lamp})
async def heedless(call: Call[Parts]) -> Answer:
    """Do not honour keys."""
    return Answer(200, Lamp(id=new_id(), room="any", secret=None))


@dataclass
class Demo:
    """A client of the service, and what lies behind it."""

    client: TestClient[web.Request, web.Application]
    databases: Databases
    parts: Parts

    async def post(
        self,
        key: str | None,
        body: Any,
        *,
        actor: Actor = ADA,
        tenant: str = "acme",
        path: str = "/api/lamps",
    ) -> tuple[int, bytes, Any]:
        """Status, body and headers of an answer."""
        headers = signed(actor=actor, tenant=tenant)
        if key is not None:
            headers["Idempotency-Key"] = key
        async with self.client.post(path, json=body, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers

    async def count(self, table: str) -> int:
        """How many rows a table has, for all tenants."""
        return len(await self.databases.as_admin(f"select from demo.{table}"))

    async def furnish(self, room: str, tenant: str = "acme") -> None:
        """Let there be a room."""
        await self.databases.as_admin(
            "insert into demo.rooms values ($1, $2, $3)", tenant, new_id(), room
        )


@pytest.fixture
async def demo(databases: OpenDatabases) -> AsyncIterator[Demo]:
    opened = await databases(DEMO)
    parts = Parts(opened["demo"])
    parts.go.set()
    app = application("demo", [lamps.given(parts)], seal=SEAL)
    async with TestClient(TestServer(app)) as client:
        demo = Demo(client, opened, parts)
        for tenant in ("acme", "globex"):
            await demo.furnish("hall", tenant)
        yield demo


def code(body: bytes) -> str:
    told: str = orjson.loads(body)["code"]
    return told


HALL = {"room": "hall"}


async def test_the_same_request_gets_the_first_answer_again(demo: Demo) -> None:
    status, body, headers = await demo.post("key-1", HALL)
    again_status, again_body, again_headers = await demo.post("key-1", HALL)

    assert (status, again_status) == (201, 201)
    assert again_body == body
    assert again_headers["Location"] == headers["Location"]
    assert again_headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in headers
    assert await demo.count("lamps") == await demo.count("outbox") == 1


async def test_an_answer_without_a_body_is_given_again(demo: Demo) -> None:
    path = f"/api/lamps/{new_id()}/dust"
    for replayed in (False, True):
        status, body, headers = await demo.post("key-1", None, path=path)
        assert (status, body, "Idempotent-Replayed" in headers) == (204, b"", replayed)


async def test_without_a_key_everything_is_done_again(demo: Demo) -> None:
    for _ in range(2):
        status, _, _ = await demo.post(None, HALL)
        assert status == 201
    assert (await demo.count("lamps"), await demo.count("idempotency_keys")) == (2, 0)


async def test_another_body_or_address_is_422_and_the_first_answer_stays(demo: Demo) -> None:
    _, first, _ = await demo.post("key-1", HALL)

    for path, body in (
        ("/api/lamps", HALL | {"secret": "x"}),
        ("/api/lamps?bright=1", HALL),
        (f"/api/lamps/{new_id()}/dust", None),
    ):
        status, problem, _ = await demo.post("key-1", body, path=path)
        assert (status, code(problem)) == (422, "idempotency_key_reused")

    assert (await demo.post("key-1", HALL))[1] == first
    assert await demo.count("lamps") == 1


async def test_a_concurrent_twin_is_409_at_once(demo: Demo) -> None:
    demo.parts.go.clear()
    first = asyncio.create_task(demo.post("key-1", HALL))
    await asyncio.wait_for(demo.parts.done.wait(), 5)

    async with asyncio.timeout(5):
        status, problem, _ = await demo.post("key-1", HALL)
    assert (status, code(problem)) == (409, "idempotency_key_in_use")

    demo.parts.go.set()
    status, body, _ = await first
    assert status == 201
    assert (await demo.post("key-1", HALL))[1] == body
    assert await demo.count("lamps") == 1


async def test_many_twins_at_once_have_one_effect(demo: Demo) -> None:
    answers = await asyncio.gather(*(demo.post("key-1", HALL) for _ in range(20)))

    assert {status for status, _, _ in answers} <= {201, 409}
    assert len({body for status, body, _ in answers if status == 201}) == 1
    assert await demo.count("lamps") == await demo.count("outbox") == 1


async def test_what_breaks_before_the_commit_leaves_nothing(demo: Demo) -> None:
    demo.parts.breaks = True
    status, _, _ = await demo.post("key-1", HALL)
    assert status == 503
    assert await demo.count("lamps") == await demo.count("idempotency_keys") == 0

    demo.parts.breaks = False
    status, _, headers = await demo.post("key-1", HALL)
    assert (status, "Idempotent-Replayed" in headers) == (201, False)


async def test_a_session_killed_before_its_commit_leaves_nothing(demo: Demo) -> None:
    demo.parts.go.clear()
    first = asyncio.create_task(demo.post("key-1", HALL))
    await asyncio.wait_for(demo.parts.done.wait(), 5)
    await demo.databases.as_admin(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    demo.parts.go.set()

    assert (await first)[0] == 503
    assert await demo.count("lamps") == await demo.count("idempotency_keys") == 0
    assert (await demo.post("key-1", HALL))[0] == 201


@pytest.mark.parametrize("key", ["key-2", None])
async def test_a_full_outbox_refuses_what_is_new_and_gives_old_answers(
    demo: Demo, key: str | None
) -> None:
    _, first, _ = await demo.post("key-1", HALL)
    demo.parts.database.full = True

    status, problem, headers = await demo.post(key, HALL)
    assert (status, code(problem), headers["Retry-After"]) == (503, "unavailable", "15")
    assert (await demo.post("key-1", HALL))[1] == first
    assert await demo.count("lamps") == 1

    demo.parts.database.full = False
    assert (await demo.post(key, HALL))[0] == 201


async def test_a_refusal_is_not_kept(demo: Demo) -> None:
    status, problem, _ = await demo.post("key-1", {"room": "attic"})
    assert (status, code(problem)) == (404, "room_not_found")

    await demo.furnish("attic")
    status, _, headers = await demo.post("key-1", {"room": "attic"})
    assert (status, "Idempotent-Replayed" in headers) == (201, False)


async def test_a_patient_request_is_done_once(demo: Demo) -> None:
    demo.parts.patience = 5.0
    waiting = asyncio.create_task(demo.post("key-1", {"room": "attic"}))
    await demo.furnish("attic")

    status, body, _ = await asyncio.wait_for(waiting, 10)

    assert status == 201
    assert (await demo.post("key-1", {"room": "attic"}))[1] == body
    assert await demo.count("lamps") == 1


async def test_a_key_is_each_actor_s_and_each_tenant_s_own(demo: Demo) -> None:
    asked = [(ADA, "acme"), (BOB, "acme"), (ADA, "globex"), (Actor("key", ADA.id), "acme")]
    answers = [
        await demo.post("key-1", HALL, actor=actor, tenant=tenant) for actor, tenant in asked
    ]

    assert {status for status, _, _ in answers} == {201}
    assert await demo.count("lamps") == len(asked)


async def test_a_key_is_honoured_for_a_day(demo: Demo) -> None:
    _, first, _ = await demo.post("key-1", HALL)
    clock = demo.databases.clock

    clock.offset = timedelta(hours=23, minutes=59)
    assert (await demo.post("key-1", HALL))[1] == first
    clock.offset = timedelta(hours=24, minutes=1)
    status, second, headers = await demo.post("key-1", HALL | {"secret": "new"})
    assert (status, "Idempotent-Replayed" in headers) == (201, False)
    assert (await demo.post("key-1", HALL | {"secret": "new"}))[1] == second
    assert await demo.count("lamps") == 2


async def test_a_sweep_forgets_what_is_older_than_a_day(demo: Demo) -> None:
    for tenant in ("acme", "globex"):
        await demo.post("old", HALL, tenant=tenant)
    demo.databases.clock.offset = timedelta(hours=12)
    await demo.post("new", HALL)

    demo.databases.clock.offset = timedelta(hours=24, minutes=1)
    assert await idempotency.sweep(demo.parts.database) == 2
    assert await demo.count("idempotency_keys") == 1


@pytest.mark.parametrize("key", ["", "two words", "é", "x" * 256, "a\tb"])
async def test_a_malformed_key_is_400(demo: Demo, key: str) -> None:
    status, problem, _ = await demo.post(key, HALL)
    assert (status, code(problem)) == (400, "invalid_input")
    assert await demo.count("lamps") == 0


@pytest.mark.parametrize("key", ["!", "~" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
async def test_a_key_is_any_visible_text(demo: Demo, key: str) -> None:
    for _ in range(2):
        assert (await demo.post(key, HALL))[0] == 201
    assert await demo.count("lamps") == 1


async def test_two_keys_are_400(demo: Demo) -> None:
    headers = [*signed().items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    async with demo.client.post("/api/lamps", json=HALL, headers=headers) as answer:
        assert answer.status == 400


async def test_a_route_that_does_not_honour_keys_ignores_them(demo: Demo) -> None:
    for key in ("k", "not a key"):
        status, _, headers = await demo.post(key, None, path="/api/lamps/heedless")
        assert (status, "Idempotent-Replayed" in headers) == (200, False)


async def test_who_reads_the_table_learns_neither_key_nor_secret(demo: Demo) -> None:
    await demo.post("my-own-key", HALL | {"secret": "correct horse"})

    [row] = await demo.databases.as_admin("select * from demo.idempotency_keys")

    told = b"".join(bytes(value) for value in row.values() if isinstance(value, bytes))
    assert b"my-own-key" not in told
    assert b"correct horse" not in told
    assert (row["tenant_id"], row["actor"]) == ("acme", str(ADA))


async def test_the_document_tells_of_the_key_where_it_is_honoured(demo: Demo) -> None:
    async with demo.client.get("/openapi.json") as answer:
        paths = (await answer.json())["paths"]

    honouring = paths["/api/lamps"]["post"]
    assert [each["name"] for each in honouring["parameters"]] == ["Idempotency-Key"]
    assert {"400", "409", "422"} <= honouring["responses"].keys()
    assert "Idempotent-Replayed" in honouring["responses"]["201"]["headers"]
    assert paths["/api/lamps/heedless"]["post"]["parameters"] == []
