"""A consumer that lost what it knew is told again, and nothing else changes by that."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from harness.client import Client, Json
from harness.product import PASSWORD, Product
from harness.waiting import eventually

RESYNC = "/api/admin/resync"

PEOPLE = "select id, email, name, version from {0}.users where known order by id"

LOST = {
    "assignment": (
        "update assignment.users set known = false, email = null, name = null, version = 0",
        "update assignment.admins set known = false, email = null, name = null, version = 0",
        "update assignment.assets set known = false, title = null, status = null, version = 0,"
        " deleted_at = null, presence_version = 0",
    ),
    "converter": (
        "update converter.admin_media_assets set user_id = null, assigned_at = null,"
        " assigned_by = null, active_assignment_count = 0, assignment_version = 0",
        "delete from converter.users",
        "update converter.admins set known = false, email = null, name = null, version = 0",
    ),
    "audit": (
        "update audit.users set known = false, email = null, name = null, version = 0",
        "update audit.assets set known = false, title = null, thumbnail_key = null,"
        " thumbnail_at = null, version = 0",
    ),
}
"""As if no event of others had ever come; rows that are referred to stay as stubs."""


async def rows(product: Product, service: str, *statements: str) -> list[dict[str, Any]]:
    """Run statements as a service, for the tenant default; return the rows of the last."""
    pool = product.runtime.databases[service].pool
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('app.tenant', 'default', true)")
        for statement in statements[:-1]:
            await connection.execute(statement)
        return [dict(row) for row in await connection.fetch(statements[-1])]


async def settled(product: Product) -> None:
    """Wait until nothing is on its way."""

    async def quiet() -> None:
        system = await product.client.get("/api/admin/system")
        assert sum(queue["ready"] for queue in system["queues"]) == 0
        assert {s["outbox"] and s["outbox"]["waiting"] for s in system["services"]} <= {0, None}
        assert not await rows(product, "bus", "select from bus.queue where parked_at is null")

    await eventually(quiet, within=30)


async def lived_in(product: Product, clip: Path) -> Json:
    """People, one of whom is no administrator any more, and an asset that somebody has."""
    client = product.client
    email = f"{uuid4().hex}@example.com"
    ada = await client.create_user(email, role="admin", password=PASSWORD)
    mia = await client.create_user(f"{uuid4().hex}@example.com")
    asset = await client.upload(clip, title="Aurora")
    await client.completed(asset["id"])
    other = Client(client.url, client.session)
    await other.log_in(email, PASSWORD)
    await other.post(f"/api/admin/assets/{asset['id']}/assign", {"user_id": mia["id"]}, expect=201)
    path = f"/api/admin/users/{ada['id']}"
    await client.call("PATCH", path, expect=200, json={"role": "user", "name": "Ada L."})
    return asset


async def test_a_consumer_that_lost_everything_has_it_again(product: Product, clip: Path) -> None:
    asset = await lived_in(product, clip)
    await settled(product)
    known, givers = await everything(product), await administrators(product)
    trail, offset = await told(product)
    for service, statements in LOST.items():
        await rows(product, service, *statements, "select")
    assert await everything(product) != known

    answers = [await product.client.post(RESYNC, {"consumer": c}, expect=202) for c in LOST]
    await settled(product)

    people = known["assignment"][0]
    assert answers[0]["told"][0] == {"service": "identity", "kind": "users", "count": len(people)}
    assert answers[0]["total"] == len(people) + answers[0]["told"][1]["count"]
    assert await everything(product) == known
    assert await administrators(product) >= givers
    shown = await product.client.asset(asset["id"])
    assert shown["active_assignment_count"] == 1

    async def only_that_it_was_done() -> None:
        entries, now = await told(product)
        assert now == offset, "nobody was told old facts as new"
        new = entries[len(trail) :]
        assert [each["action"] for each in new] == ["state_resynced"] * 6
        assert {each["metadata"]["consumer"] for each in new} == set(LOST)

    await eventually(only_that_it_was_done, within=10)
    assert (await product.client.get("/api/admin/audit/verify"))["ok"]


async def everything(product: Product) -> dict[str, list[list[dict[str, Any]]]]:
    """What each consumer knows of others' things."""
    asked = {
        "assignment": [
            PEOPLE.format("assignment"),
            "select id, title, status, deleted_at is null from assignment.assets order by id",
        ],
        "converter": [
            PEOPLE.format("converter"),
            "select id, user_id, assigned_at, assigned_by, active_assignment_count,"
            " assignment_version from converter.admin_media_assets order by id",
        ],
        "audit": [
            PEOPLE.format("audit"),
            "select id, title, thumbnail_key from audit.assets where known order by id",
        ],
    }
    found = {}
    for service, questions in asked.items():
        found[service] = [await rows(product, service, question) for question in questions]
    return found


async def administrators(product: Product) -> set[tuple[Any, ...]]:
    """Who gave or may give something, by name; one more than needed does no harm."""
    question = "select id, email, name from {0}.admins where known"
    return {
        (service, *row.values())
        for service in ("assignment", "converter")
        for row in await rows(product, service, question.format(service))
    }


async def told(product: Product) -> tuple[list[dict[str, Any]], int]:
    """The trail, and how many events people were told."""
    trail = await rows(
        product, "audit", "select action, metadata from audit.assignment_history order by seq"
    )
    [stream] = await rows(product, "notifier", "select last_offset from notifier.streams")
    return trail, stream["last_offset"]


@pytest.mark.parametrize("body", [None, {}, {"consumer": "notifier"}, {"consumer": 1}])
async def test_who_keeps_no_copies_is_not_told(product: Product, body: Any) -> None:
    problem = await product.client.post(RESYNC, body, expect=400)
    assert problem["code"] == "invalid_input"
