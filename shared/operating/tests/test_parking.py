"""Parked messages: seen by their tenant, replayed once, and never lost on the way."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest

from shared.bus.port import BusUnavailable, Park, ParkedMessage
from shared.contracts.topology import NOTIFIER_STORE
from shared.operating.tests.conftest import Site
from shared.testing.bus.kit import Recorder, on
from shared.testing.bus.kit import parked as still_parked
from shared.testing.callers import signed

PARKED = "/internal/parked"


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


async def test_a_parked_message_is_shown_with_all_that_is_known(site: Site) -> None:
    [parked] = await site.park("default")
    status, page = await site.ask("GET", PARKED)
    assert (status, page["next_cursor"]) == (200, None)
    [item] = page["items"]
    assert item["id"] == str(parked.id)
    assert item["queue"] == "notifier.store"
    assert item["event_id"] == str(parked.message.id)
    assert item["event_type"] == "assignment.operation.undone.v1"
    assert (item["tenant"], item["attempts"], item["replays"]) == ("default", 1, 0)
    assert (item["error_class"], item["error"]) == ("ValueError", "ValueError('bad')")
    status, whole = await site.ask("GET", f"{PARKED}/{parked.id}")
    assert (status, whole["body_encoding"]) == (200, "utf-8")
    assert orjson.loads(whole["body"])["kind"] == "assign"
    assert whole["headers"]["ce-tenantid"] == "default"
    await still_parked(site.bus, NOTIFIER_STORE)  # looking takes nothing


async def test_a_tenant_sees_its_own_and_default_what_is_nobody_s(site: Site) -> None:
    [acme] = await site.park("acme")
    await _park_nobody_s(site)
    assert ids((await site.ask("GET", PARKED, "acme"))[1]) == [str(acme.id)]
    assert (await site.ask("GET", PARKED, "other"))[1]["items"] == []
    [item] = (await site.ask("GET", PARKED))[1]["items"]
    assert (item["tenant"], item["event_type"]) == (None, None)
    for method, path in (("GET", ""), ("POST", "/replay")):
        for stranger, ident in (("other", acme.id), ("default", acme.id), ("acme", item["id"])):
            status, problem = await site.ask(method, f"{PARKED}/{ident}{path}", stranger)
            assert (status, problem["code"]) == (404, "parked_not_found")


async def _park_nobody_s(site: Site) -> None:
    """A message whose headers say nothing of use."""
    await site.databases.as_admin(
        "insert into notifier.outbox (id, type, aggregateid, headers, payload)"
        " values ($1, 'notifier.store', '', '{}', '\\xff')",
        uuid4(),
    )
    await site.relay()
    before = (await site.bus.depth(NOTIFIER_STORE.name)).parked
    site.bus.subscribe(on(NOTIFIER_STORE, Recorder(lambda _: Park("nonsense here"))))
    await site.parked(before + 1)
    await site.bus.stop(1)


async def test_bad_questions_are_refused(site: Site) -> None:
    async with site.client.get(PARKED) as answer:
        assert answer.status == 401
    for path in (f"{PARKED}?limit=0", f"{PARKED}?cursor=x", f"{PARKED}?queue=none", f"{PARKED}/x"):
        status, problem = await site.ask("GET", path)
        assert (status, problem["code"]) == (400, "invalid_input"), path
    assert (await site.ask("POST", f"{PARKED}/{uuid4()}/replay"))[0] == 404


async def test_pages_follow_each_other(site: Site) -> None:
    await site.park(*["default"] * 5)
    _, whole = await site.ask("GET", PARKED)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        _, page = await site.ask("GET", f"{PARKED}?limit=2{cursor}")
        seen += ids(page)
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert seen == ids(whole)
    assert len(seen) == 5
    moments = [item["parked_at"] for item in whole["items"]]
    assert moments == sorted(moments, reverse=True)


async def test_a_replay_takes_effect_once_however_often_it_is_asked_for(site: Site) -> None:
    [parked] = await site.park("default")
    path, key = f"{PARKED}/{parked.id}/replay", {"Idempotency-Key": "k"}
    me = signed()
    first, *others = await asyncio.gather(
        *(site.ask("POST", path, headers=me | (key if n == 0 else {})) for n in range(4))
    )
    answers = [first, *others]
    assert sorted(status for status, _ in answers) == [200, 200, 200, 202]
    assert {body["outcome"] for status, body in answers if status == 202} == {"replayed"}
    assert {body["outcome"] for status, body in answers if status == 200} == {"replayed_before"}
    assert await site.ask("POST", path, headers=me | key) == first
    assert len({body["replayed_by"] for _, body in answers}) == 1
    assert sorted(await site.told()) == ["notifier.maintenance.performed", "notifier.store"]
    recorder = Recorder()
    site.bus.subscribe(on(NOTIFIER_STORE, recorder))
    await site.relay()
    await site.lot.tidy()
    await recorder.got(1)
    assert recorder.ids == [parked.message.id]
    assert recorder.deliveries[0].attempt == 0
    await site.parked(0)
    assert (await site.ask("POST", path))[1]["outcome"] == "replayed_before"


async def test_a_crash_before_the_removal_leaves_it_to_the_next_round(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the commit and the removal nothing is shown twice, sent twice, or lost."""
    [parked] = await site.park("default")
    await site.ask("POST", f"{PARKED}/{parked.id}/replay")
    assert (await site.ask("GET", PARKED))[1]["items"] == [], "it is on its way"
    assert (await site.bus.depth(NOTIFIER_STORE.name)).parked == 1

    async def away(*_: object) -> int:
        raise BusUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(site.bus, "discard", away)
        with pytest.raises(BusUnavailable):
            await site.lot.tidy()
    assert await site.lot.tidy() == 1
    assert await site.lot.tidy() == 0
    await site.parked(0)


async def test_a_late_copy_of_what_was_replayed_is_removed(site: Site) -> None:
    """A consumer that dies after it has parked a message, and before it acknowledges."""
    [parked] = await site.park("default")
    await site.ask("POST", f"{PARKED}/{parked.id}/replay")
    await site.lot.tidy()
    await _put_copy(site, parked)
    assert (await site.ask("GET", PARKED))[1]["items"] == []
    assert await site.lot.tidy() == 1
    await site.parked(0)


async def _put_copy(site: Site, parked: ParkedMessage) -> None:
    await site.databases.as_admin("delete from notifier.outbox")
    async with site.databases["notifier"].system_transaction() as tx:
        tx.forward(parked.message, to=NOTIFIER_STORE.name)
    await site.relay()
    site.bus.subscribe(on(NOTIFIER_STORE, Recorder(lambda _: Park("again"))))
    await site.parked(1)
    await site.bus.stop(1)


async def test_what_fails_again_is_parked_again_under_another_id(site: Site) -> None:
    [parked] = await site.park("default")
    await site.ask("POST", f"{PARKED}/{parked.id}/replay")
    await site.databases.as_admin(
        "delete from notifier.outbox where type = 'notifier.maintenance.performed'"
    )
    await site.relay()
    await site.lot.tidy()
    site.bus.subscribe(on(NOTIFIER_STORE, Recorder(lambda _: Park("again"))))
    await site.parked(1)
    [item] = (await site.ask("GET", PARKED))[1]["items"]
    assert (item["event_id"], item["replays"]) == (str(parked.message.id), 1)
    assert item["id"] != str(parked.id)
    status, body = await site.ask("POST", f"{PARKED}/{item['id']}/replay")
    assert (status, body["outcome"]) == (202, "replayed")


async def test_two_that_look_at_once_see_the_same(site: Site) -> None:
    await site.park(*["default"] * 3)
    pages = await asyncio.gather(*(site.ask("GET", PARKED) for _ in range(6)))
    assert {len(page["items"]) for _, page in pages} == {3}


async def test_without_the_bus_it_is_503(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> list[ParkedMessage]:
        raise BusUnavailable("gone")

    monkeypatch.setattr(site.bus, "parked", away)
    status, problem = await site.ask("GET", PARKED)
    assert (status, problem["part"]) == (503, "bus")
