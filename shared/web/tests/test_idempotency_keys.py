"""What is kept for an Idempotency-Key is sealed with the product's keys, which may change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from shared.contracts.actor import Actor
from shared.db import Database, Tx
from shared.db.migrate import Schema
from shared.db.sealing import FieldCipher
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases
from shared.web import Answer, Call, Routes
from shared.web.application import application

DEMO = Schema("demo", Path(__file__).with_name("demo"))
SOMEBODY = Actor.user(new_id())
OLD, NEW = b"o" * 32, b"n" * 32

coins = Routes("coins")


@coins.post("/api/coins", answers={201: dict[str, str]}, idempotent=True)
async def mint(call: Call[Database]) -> Answer:
    """Make a coin, each another."""

    async def command(tx: Tx) -> Answer:
        return Answer(201, {"coin": str(tx.new_id())})

    return await call.once(call.parts, command)


@pytest.fixture
async def opened(databases: OpenDatabases) -> Databases:
    return await databases(DEMO)


@pytest.fixture
async def client(opened: Databases) -> AsyncIterator[TestClient]:
    app = application("coins", [coins.given(opened["demo"])], seal=SEAL)
    async with TestClient(TestServer(app)) as client:
        yield client


async def ask(client: TestClient, key: str = "guess") -> tuple[int, Any]:
    headers = signed(actor=SOMEBODY) | {"Idempotency-Key": key}
    async with client.post("/api/coins", headers=headers) as answer:
        return answer.status, orjson.loads(await answer.read())


async def test_an_answer_outlives_a_change_of_the_key(
    client: TestClient, opened: Databases
) -> None:
    opened["demo"].cipher = FieldCipher(OLD)
    first = await ask(client)
    opened["demo"].cipher = FieldCipher(NEW, OLD)
    assert await ask(client) == first


async def test_an_answer_that_cannot_be_read_is_not_given_and_nothing_is_done_again(
    client: TestClient, opened: Databases
) -> None:
    opened["demo"].cipher = FieldCipher(OLD)
    await ask(client)
    opened["demo"].cipher = FieldCipher(NEW)
    status, problem = await ask(client)
    assert (status, problem["code"]) == (409, "idempotency_answer_unreadable")
    assert (await ask(client, "another"))[0] == 201


async def test_an_answer_put_into_another_row_is_not_given(
    client: TestClient, opened: Databases
) -> None:
    await asyncio.gather(ask(client, "mine"), ask(client, "yours"))
    await opened.as_admin(
        "update demo.idempotency_keys a set answer = b.answer"
        " from demo.idempotency_keys b where a.key <> b.key"
    )
    for key in ("mine", "yours"):
        status, problem = await ask(client, key)
        assert (status, problem["code"]) == (409, "idempotency_answer_unreadable")
