"""What facts leave in the trail and in the read models."""

from __future__ import annotations

import asyncio
from itertools import chain as joined
from typing import Any
from uuid import UUID

import pytest

from services.audit.tests.conftest import Trail, World
from shared.bus.port import Ack
from shared.contracts.actor import Actor
from shared.contracts.context import Context
from shared.runtime.ids import new_id

KIM, WAVES, STARS = new_id(), new_id(), new_id()


async def known(trail: Trail, table: str, ident: UUID) -> dict[str, Any]:
    """What a read model knows."""
    [row] = await trail.databases.as_admin(f"select * from audit.{table} where id = $1", ident)
    return dict(row)


async def test_facts_become_entries_numbered_from_one(trail: Trail, world: World) -> None:
    facts = [
        world.user(KIM),
        world.asset(WAVES),
        world.completed(WAVES),
        world.assigned(KIM, WAVES),
    ]
    assert await trail.hear(*facts) == [Ack()] * 4
    entries = await trail.entries()
    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4]
    assert [entry["action"] for entry in entries] == [
        "user_created",
        "asset_uploaded",
        "conversion_status_changed",
        "assigned",
    ]
    assert [entry["event_id"] for entry in entries] == [fact.id for fact in facts]
    assert [entry["performed_at"] for entry in entries] == [fact.time for fact in facts]


async def test_every_entry_is_sealed_by_the_commit_that_writes_it(
    trail: Trail, world: World
) -> None:
    await trail.hear(world.user(KIM), world.asset(WAVES))
    await trail.hear(world.assigned(KIM, WAVES))
    verdict = await trail.verify()
    assert (verdict.entries, verdict.fault, verdict.head.size) == (3, None, 3)


async def test_an_undo_that_restores_leaves_one_entry(trail: Trail, world: World) -> None:
    operation = new_id()
    undone = world.unassigned(KIM, STARS, operation_id=operation, restored_asset_id=WAVES)
    restored = world.assigned(KIM, WAVES, operation_id=operation, restored_from=new_id())
    await trail.hear(undone, restored)
    [entry] = await trail.entries()
    assert (entry["action"], entry["asset_id"]) == ("undone", STARS)
    assert entry["metadata"] == {"restored_asset_id": str(WAVES), "restore_refused": None}


async def test_a_fact_told_twice_is_one_entry(trail: Trail, world: World) -> None:
    fact = world.assigned(KIM, WAVES)
    assert await trail.hear(fact, fact) == [Ack(), Ack()]
    await trail.hear(fact, world.assigned(KIM, STARS))
    assert [entry["seq"] for entry in await trail.entries()] == [1, 2]


async def test_a_fact_replayed_after_its_inbox_row_was_swept_is_one_entry(
    trail: Trail, world: World
) -> None:
    fact = world.assigned(KIM, WAVES)
    await trail.hear(fact)
    await trail.databases.as_admin("delete from audit.inbox")
    assert await trail.hear(fact) == [Ack()]
    assert len(await trail.entries()) == 1
    assert (await trail.verify()).fault is None


async def test_concurrent_consumers_leave_no_gap(trail: Trail, world: World) -> None:
    facts = [world.assigned(new_id(), WAVES) for _ in range(60)]
    batches = [facts[start : start + 5] for start in range(0, 60, 5)]
    await asyncio.gather(*(trail.hear(*batch) for batch in batches + batches[::2]))
    assert {entry["seq"] for entry in await trail.entries()} == set(range(1, 61))
    verdict = await trail.verify()
    assert (verdict.fault, verdict.head.size) == (None, 60)


async def test_each_tenant_has_a_chain_of_its_own(trail: Trail, world: World) -> None:
    other = World("other")
    facts = zip(
        [world.user(KIM), world.assigned(KIM, WAVES)],
        [other.user(KIM), other.assigned(KIM, WAVES)],
        strict=True,
    )
    await trail.hear(*joined.from_iterable(facts))
    for tenant, admin in (("default", world.admin), ("other", other.admin)):
        entries = await trail.entries(tenant)
        assert [entry["seq"] for entry in entries] == [1, 2]
        assert entries[1]["performed_by"] == admin
        assert (await trail.verify(tenant)).head.size == 2
    assert await trail.entries("third") == []


async def test_a_tenant_cannot_write_into_anothers_trail(trail: Trail, world: World) -> None:
    await trail.hear(world.assigned(KIM, WAVES))
    async with trail.database.transaction(Context("other")) as tx:
        with pytest.raises(Exception, match="row-level security"):
            await tx.connection.execute(
                "insert into audit.admins (tenant_id, id, kind) values ('default', $1, 'user')",
                new_id(),
            )


@pytest.mark.parametrize("actor", ["system", "key:0198c0de-0000-7000-8000-000000000001"])
async def test_the_system_and_api_keys_are_somebody(trail: Trail, world: World, actor: str) -> None:
    who = Actor.parse(actor)
    await trail.hear(world.tell(world.assigned(KIM, WAVES).event, who))
    [entry] = await trail.entries()
    assert entry["performed_by"] == who.principal
    assert (entry["actor"], entry["kind"]) == (actor, who.kind)
    assert entry["name"]


async def test_ids_met_before_their_events_are_filled_in_later(trail: Trail, world: World) -> None:
    await trail.hear(world.thumbnail(WAVES, "1"), world.assigned(KIM, WAVES))
    assert not (await known(trail, "users", KIM))["known"]
    assert (await trail.entries())[0]["title"] is None
    await trail.hear(
        world.asset(WAVES), world.user(KIM), world.user(world.admin, "Ada", role="admin")
    )
    assert (await known(trail, "users", KIM))["name"] == "Kim"
    [entry] = await trail.entries(action="assigned")
    assert (entry["title"], entry["name"], entry["email"]) == ("Waves", "Ada", "ada@example.com")
    assert entry["thumbnail_key"] == f"default/renditions/{WAVES}/1/thumbnail.jpg"


@pytest.mark.parametrize("together", [True, False])
async def test_older_news_is_ignored(trail: Trail, world: World, together: bool) -> None:
    thumbnails = [world.thumbnail(WAVES, "old"), world.thumbnail(WAVES, "new")]
    facts = [
        world.user(KIM, "Kimberly", version=2),
        world.user(KIM, "Kim", version=1),
        world.asset(WAVES, "Big waves", version=2),
        world.asset(WAVES, "Waves", version=1),
        *reversed(thumbnails),
        world.assigned(KIM, WAVES),
    ]
    for batch in [facts] if together else [[fact] for fact in facts]:
        await trail.hear(*batch)
    assert (await known(trail, "users", KIM))["name"] == "Kimberly"
    asset = await known(trail, "assets", WAVES)
    assert (asset["title"], asset["version"], asset["known"]) == ("Big waves", 2, True)
    assert "/new/" in asset["thumbnail_key"]


async def test_a_bulk_is_one_entry_and_one_for_each_user_however_often_it_comes(
    trail: Trail, world: World
) -> None:
    users = [new_id() for _ in range(3)]
    facts = world.bulk(users, WAVES)

    await trail.hear(*facts)
    await trail.hear(facts[0])
    await trail.databases.as_admin("delete from audit.inbox")
    await trail.hear(*facts)

    *rows, header = await trail.entries()
    assert [row["user_id"] for row in rows] == users
    assert {row["action"] for row in (*rows, header)} == {"bulk_assigned"}
    assert {row["operation_id"] for row in rows} == {header["operation_id"]}
    assert (header["user_id"], header["metadata"]["user_count"]) == (None, 3)
    assert (await trail.verify()).fault is None
