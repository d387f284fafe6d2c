"""Operators see and mend by the command line what went wrong."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from harness.cli import Marquee
from harness.product import Product
from harness.waiting import eventually

_PUT = """
insert into identity.outbox (id, type, aggregateid, headers, payload)
values ($1, 'identity.user.created', 'nobody', $2, $3)
"""


@pytest.fixture
def marquee(product: Product, tmp_path: Path) -> Marquee:
    """An administrator."""
    return Marquee(product.client.url, tmp_path, product.client.token)


async def put_garbage(product: Product) -> UUID:
    """Have something on the bus that nobody can read; every consumer of it parks it."""
    ident = product.new_id()
    async with product.runtime.database("identity").pool.acquire() as connection:
        await connection.execute(_PUT, ident, b"{}", b"{no json")
    return ident


async def test_a_parked_message_is_seen_and_replayed(product: Product, marquee: Marquee) -> None:
    ident = str(await put_garbage(product))

    async def parked() -> None:
        page = await product.client.get("/api/admin/parked", queue="audit.trail")
        assert ident in [each["event_id"] for each in page["items"]]

    await eventually(parked, within=30)
    listed = (await marquee("parked", "list", "--queue", "audit.trail", "-o", "json")).json
    [message] = [each for each in listed["items"] if each["event_id"] == ident]
    assert message["id"] in (await marquee("parked", "list")).out
    shown = await marquee("parked", "show", message["id"])
    assert "{no json" in shown.out
    replayed = await marquee("parked", "replay", message["id"], "-o", "json")
    assert [each["outcome"] for each in replayed.json["items"]] == ["replayed"]
    again = await marquee("parked", "replay", message["id"], "-o", "json")
    assert [each["outcome"] for each in again.json["items"]] == ["replayed_before"]
    unknown = await marquee("parked", "show", ident, expect=1)
    assert "parked_not_found" in unknown.told


async def test_a_service_is_told_again_what_it_must_know(marquee: Marquee) -> None:
    told = (await marquee("resync", "assignment", "-o", "json")).json
    assert told["total"] == sum(each["count"] for each in told["told"]) > 0
    wrong = await marquee("resync", "nobody", expect=1)
    assert "consumer: " in wrong.told


async def test_the_doctor_looks_and_mends(product: Product, marquee: Marquee) -> None:
    found = await product.client.get("/api/admin/doctor")
    ill = bool(found["findings"] or found["unchecked"])
    seen = await marquee("doctor", "-o", "json", expect=int(ill))
    assert seen.json["healthy"] is not ill
    plan = await marquee("doctor", "--dry-run", "-o", "json", expect=int(ill))
    assert plan.json["dry_run"]
