"""Polling: the same events for who cannot have a socket."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from services.notifier.tests.replicas import (
    SIGNER,
    Replica,
    assigned,
    completed,
    rendition_ready,
    status_changed,
)
from shared.testing.databases import Databases


async def test_nothing_has_happened_yet(replica: Replica) -> None:
    first = await replica.poll()
    assert first["events"] == []
    assert first["offset"] == 0
    assert (await replica.poll(f"?since=0&epoch={first['epoch']}"))["recovered"] is True


async def test_goes_on_from_the_offset_it_was_given(replica: Replica) -> None:
    start = await replica.poll()
    await replica.consume(status_changed(), assigned(), completed())
    page = await replica.poll(f"?since={start['offset']}&epoch={start['epoch']}&limit=2")
    assert [event["offset"] for event in page["events"]] == [1, 2]
    assert (page["offset"], page["recovered"]) == (2, True)
    rest = await replica.poll(f"?since=2&epoch={page['epoch']}&limit=2")
    assert [event["type"] for event in rest["events"]] == ["assignment.operation.completed"]
    assert rest["offset"] == 3
    nothing = await replica.poll("?since=3")
    assert (nothing["events"], nothing["offset"], nothing["recovered"]) == ([], 3, True)


async def test_shows_the_newest_to_who_has_seen_none(replica: Replica) -> None:
    await replica.consume(*(completed() for _ in range(5)))
    newest = await replica.poll("?limit=2")
    assert [event["offset"] for event in newest["events"]] == [4, 5]
    assert newest["offset"] == 5
    assert newest["recovered"] is False


async def test_says_when_it_cannot_go_on(replica: Replica, opened: Databases) -> None:
    await replica.consume(*(completed() for _ in range(5)))
    await opened.as_admin("update notifier.streams set pruned_offset = 3")
    await opened.as_admin('delete from notifier.events where "offset" <= 3')
    other_epoch = "01900000-0000-7000-8000-000000000000"
    for query in ("?since=2", f"?since=4&epoch={other_epoch}", "?since=99"):
        answer = await replica.poll(query)
        assert answer["recovered"] is False
        assert (answer["events"], answer["offset"]) == ([], 5)
    assert (await replica.poll("?since=3"))["recovered"] is True


async def test_renditions_come_with_a_url_and_without_their_key(replica: Replica) -> None:
    event = rendition_ready()
    await replica.consume(event)
    (told,) = (await replica.poll("?since=0"))["events"]
    assert set(told) == {"offset", "id", "type", "time", "data"}
    assert set(told["data"]) == {"asset_id", "rendition", "url"}
    url = urlsplit(told["data"]["url"])
    assert SIGNER.check(f"{url.path}?{url.query}") == event.object_key
    assert told["time"].endswith("Z")


async def test_is_for_administrators(replica: Replica) -> None:
    path = "/api/admin/events"
    async with replica.client.get(path) as answer:
        assert answer.status == 401
    async with replica.client.get(path, headers=replica.headers(role="user")) as answer:
        assert answer.status == 403


async def test_stays_within_the_tenant(replica: Replica) -> None:
    await replica.consume(completed(), tenant="acme")
    assert (await replica.poll())["events"] == []
    assert len((await replica.poll(tenant="acme"))["events"]) == 1


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=501", "?since=-1", "?since=x", "?since=9223372036854775808"]
)
async def test_refuses_what_makes_no_sense(replica: Replica, query: str) -> None:
    async with replica.client.get(f"/api/admin/events{query}", headers=replica.headers()) as answer:
        assert answer.status == 400
