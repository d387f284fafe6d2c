"""Topics, who may follow them, and when a stream can be caught up with."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.notifier.domain.notice import Notice, Stream
from services.notifier.domain.topics import Topic, may_follow, topics_of
from services.notifier.tests.replicas import (
    ADMIN,
    ANNA,
    ASSET,
    BOB,
    assigned,
    completed,
    progressed,
    rendition_ready,
    status_changed,
)
from shared.contracts.actor import SYSTEM, Actor
from shared.contracts.assignment import AssetStateChanged, Chunk
from shared.contracts.event import Event
from shared.contracts.topology import NOTIFIER_STORE


@pytest.mark.parametrize("text", ["assets", "operations", f"asset:{ASSET}", f"user:{ANNA}"])
def test_topics_are_written_as_they_are_read(text: str) -> None:
    assert str(Topic.parse(text)) == text


def test_an_id_may_be_written_in_capitals() -> None:
    assert Topic.parse(f"asset:{str(ASSET).upper()}") == Topic("asset", ASSET)


@pytest.mark.parametrize(
    "text", ["", "asset", "asset:", "asset:7", "assets:", f"assets:{ASSET}", "everything", "user:*"]
)
def test_anything_else_is_no_topic(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Topic.parse(text)


@pytest.mark.parametrize(
    ("event", "topics"),
    [
        (status_changed(), ["assets", f"asset:{ASSET}"]),
        (rendition_ready(), ["assets", f"asset:{ASSET}"]),
        (progressed(3), ["assets", f"asset:{ASSET}"]),
        (assigned(BOB), ["assets", f"asset:{ASSET}", f"user:{BOB}"]),
        (completed(), ["operations"]),
    ],
    ids=lambda given: given.name if isinstance(given, Event) else "",
)
def test_events_are_told_under_their_topics(event: Event, topics: list[str]) -> None:
    assert [str(topic) for topic in topics_of(event)] == topics


def test_every_event_that_is_stored_can_be_followed() -> None:
    for event in NOTIFIER_STORE.events:
        if issubclass(event, Chunk):
            continue  # told one by one
        filled = dict.fromkeys(event.model_fields, ASSET)
        assert topics_of(event.model_construct(None, **filled)), event.name


def test_an_administrator_follows_anything() -> None:
    for text in ("assets", "operations", f"asset:{ASSET}", f"user:{ANNA}"):
        assert may_follow(Topic.parse(text), Actor.user(ADMIN), "admin")
        assert may_follow(Topic.parse(text), Actor("key", ADMIN), "admin")


def test_a_user_follows_nothing_but_oneself() -> None:
    anna = Actor.user(ANNA)
    assert may_follow(Topic("user", ANNA), anna, "user")
    for text in ("assets", "operations", f"asset:{ASSET}", f"user:{BOB}"):
        assert not may_follow(Topic.parse(text), anna, "user")
    assert not may_follow(Topic("user"), SYSTEM, "user")


def stream(last: int = 20, pruned: int = 10) -> Stream:
    """A stream that has forgotten some."""
    return Stream(epoch=uuid4(), last_offset=last, pruned_offset=pruned)


@pytest.mark.parametrize("since", [10, 15, 20])
def test_what_is_still_kept_is_recovered(since: int) -> None:
    one = stream()
    assert one.recovers(since, str(one.epoch))
    assert one.recovers(since, None)


@pytest.mark.parametrize("since", [None, 0, 9, 21, 10**15])
def test_what_is_gone_or_unheard_of_is_not_recovered(since: int | None) -> None:
    one = stream()
    assert not one.recovers(since, str(one.epoch))


@pytest.mark.parametrize("epoch", ["", "x", str(ASSET)])
def test_another_epoch_is_another_numbering(epoch: str) -> None:
    assert not stream().recovers(15, epoch)


def test_where_a_file_is_stored_is_never_told() -> None:
    event = rendition_ready()
    data = event.model_dump(mode="json")
    notice = Notice(event.name, datetime.now(UTC), data, [], offset=3, id=ASSET)
    told = notice.told(lambda *names: f"/media/{'/'.join(names)}?signed")
    assert told["data"] == {
        "asset_id": str(ASSET),
        "rendition": "gif",
        "url": f"/media/{ASSET}/gif/{event.object_key}?signed",
    }


def test_what_is_transient_has_no_place_in_the_stream() -> None:
    notice = Notice("converter.asset.progress", datetime.now(UTC), {"percent": 3}, ["assets"])
    assert set(notice.told(lambda *_: "")) == {"type", "time", "data"}


def test_the_state_of_assets_is_no_news_for_people() -> None:
    assert AssetStateChanged not in NOTIFIER_STORE.events
