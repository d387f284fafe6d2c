"""Numbering without gaps, reading by offset, forgetting only what may be forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from services.notifier import store
from services.notifier.pruner import prune
from services.notifier.tests.replicas import (
    ANNA,
    BOB,
    Replica,
    assigned,
    completed,
    sealed,
    status_changed,
)
from shared.contracts.assignment import AssetBulkAssigned
from shared.contracts.context import Context
from shared.contracts.envelope import rfc3339
from shared.db import Database
from shared.testing.databases import Databases


async def offsets(database: Database, tenant: str = "default") -> list[int | None]:
    """All that is kept."""
    async with database.transaction(Context(tenant)) as tx:
        return [n.offset for n in await store.notices_between(tx, 0, 10**9, 10**6)]


async def test_two_consumers_number_without_gaps(
    replicas: list[Replica], database: Database
) -> None:
    rounds = [
        replica.consume(*(status_changed(version=n) for n in range(7)), tenant=tenant)
        for _ in range(15)
        for replica in replicas
        for tenant in ("default", "acme")
    ]
    await asyncio.gather(*rounds)
    for tenant in ("default", "acme"):
        assert await offsets(database, tenant) == list(range(1, 15 * 2 * 7 + 1))


async def test_a_batch_of_several_tenants_is_numbered_for_each(
    replica: Replica, database: Database
) -> None:
    await replica.consume_messages(
        [sealed(completed(), tenant) for tenant in ("acme", "default", "acme")]
    )
    assert await offsets(database, "acme") == [1, 2]
    assert await offsets(database) == [1]
    assert await offsets(database, "nobody") == []


async def test_a_repeated_message_is_numbered_once(
    replicas: list[Replica], database: Database
) -> None:
    message = sealed(completed())
    await replicas[0].consume_messages([message, message])
    await replicas[1].consume_messages([message])
    assert await offsets(database) == [1]


async def test_a_chunk_is_told_as_if_each_had_been_told_alone(
    replica: Replica, database: Database
) -> None:
    anna, bob = assigned(ANNA), assigned(BOB)
    chunk = AssetBulkAssigned(
        operation_id=anna.operation_id, asset_id=anna.asset_id, assigned=(anna, bob)
    )
    message = sealed(chunk)
    await replica.consume_messages([message, message])
    async with database.transaction(Context("default")) as tx:
        notices = await store.notices_between(tx, 0, 10**9, 10**6)
    assert [notice.type for notice in notices] == ["assignment.asset.assigned"] * 2
    assert [notice.data["user_id"] for notice in notices] == [str(ANNA), str(BOB)]
    assert [f"user:{user}" in n.topics for user, n in zip((ANNA, BOB), notices, strict=True)]
    assert len({notice.id for notice in notices}) == 2


async def test_notices_say_what_the_event_said(replica: Replica, database: Database) -> None:
    message = sealed(assigned(ANNA))
    await replica.consume_messages([message])
    async with database.transaction(Context("default")) as tx:
        (notice,) = await store.notices_between(tx, 0, 1, 10)
    assert (notice.id, notice.type) == (message.id, "assignment.asset.assigned")
    assert notice.data["user_id"] == str(ANNA)
    assert notice.data["undo_expires_at"] == "2026-01-31T12:00:30.000000Z"
    assert rfc3339(notice.time) == message.headers["ce-time"]


async def test_notices_are_found_by_topic(replica: Replica, database: Database) -> None:
    await replica.consume(assigned(ANNA), assigned(BOB), completed(), status_changed())
    async with database.transaction(Context("default")) as tx:
        found = {
            topic: [n.offset for n in await store.notices_between(tx, 0, 9, 10, [topic])]
            for topic in ("assets", f"user:{BOB}", "operations", "user:nobody")
        }
        both = await store.notices_between(tx, 0, 9, 10, ["assets", f"user:{BOB}"])
        rest = await store.notices_between(tx, 2, 9, 1, ["assets", "operations"])
    assert found == {
        "assets": [1, 2, 4],
        f"user:{BOB}": [2],
        "operations": [3],
        "user:nobody": [],
    }
    assert [n.offset for n in both] == [1, 2, 4]
    assert [n.offset for n in rest] == [3]


async def test_another_tenant_sees_nothing(replica: Replica, database: Database) -> None:
    await replica.consume(completed(), tenant="acme")
    async with database.transaction(Context("default")) as tx:
        assert await store.notices_between(tx, 0, 9, 10) == []
        assert (await store.stream(tx)).last_offset == 0


async def test_a_stream_keeps_its_epoch(replica: Replica, database: Database) -> None:
    async with database.transaction(Context("default")) as tx:
        before = await store.stream(tx)
    await replica.consume(completed())
    async with database.transaction(Context("default")) as tx:
        after = await store.stream(tx)
    async with database.transaction(Context("acme")) as tx:
        other = await store.stream(tx)
    assert before.epoch == after.epoch != other.epoch
    assert (before.last_offset, after.last_offset) == (0, 1)


@pytest.fixture
async def fifteen(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen events, of which ten are kept whatever their age."""
    monkeypatch.setattr("services.notifier.pruner.KEPT_COUNT", 10)
    await replica.consume(*(completed() for _ in range(15)))
    await replica.consume(completed(), tenant="acme")


@pytest.mark.usefixtures("fifteen")
async def test_recent_events_are_kept_however_many(opened: Databases, database: Database) -> None:
    opened.clock.offset = timedelta(minutes=9)
    await prune(database)
    assert len(await offsets(database)) == 15


@pytest.mark.usefixtures("fifteen")
async def test_old_events_are_kept_while_they_are_few(
    opened: Databases, database: Database
) -> None:
    opened.clock.offset = timedelta(minutes=11)
    await prune(database)
    await prune(database)
    assert await offsets(database) == list(range(6, 16))
    assert await offsets(database, "acme") == [1]
    async with database.transaction(Context("default")) as tx:
        stream = await store.stream(tx)
    assert (stream.pruned_offset, stream.last_offset) == (5, 15)
    assert stream.recovers(5, None)
    assert not stream.recovers(4, None)
