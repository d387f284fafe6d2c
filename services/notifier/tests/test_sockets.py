"""The WebSocket: hello, subscriptions, what was missed, and what makes no sense."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from services.notifier.tests.replicas import (
    ANNA,
    ASSET,
    BOB,
    OTHER_ASSET,
    SIGNER,
    Replica,
    assigned,
    completed,
    offsets,
    progressed,
    rendition_ready,
    sealed,
    status_changed,
)
from shared.testing.databases import Databases


async def test_hello_says_where_the_stream_is(replica: Replica) -> None:
    await replica.consume(completed(), completed())
    ears = await replica.connect()
    assert ears.hello == {
        "type": "hello",
        "epoch": (await replica.poll())["epoch"],
        "offset": 2,
        "recovered": False,
    }
    back = await replica.connect(f"?since=1&epoch={ears.hello['epoch']}")
    assert back.hello["recovered"] is True
    stranger = await replica.connect(f"?since=1&epoch={uuid4()}")
    assert stranger.hello["recovered"] is False


async def test_needs_somebody_signed_in(replica: Replica) -> None:
    async with replica.client.get("/ws") as answer:
        assert answer.status == 401
    async with replica.client.get("/ws", headers=replica.headers()) as answer:
        assert answer.status == 400


async def test_tells_events_in_frames_of_five_fields(replica: Replica) -> None:
    ears = await replica.connect()
    topics = ["assets", "operations"]
    assert await ears.subscribe(*topics) == {
        "type": "subscribed",
        "topics": topics,
        "recovered": False,
    }
    message = sealed(status_changed())
    await replica.consume_messages([message])
    told = await ears.next()
    assert told == {
        "offset": 1,
        "id": str(message.id),
        "type": "converter.asset.status_changed",
        "time": message.headers["ce-time"],
        "data": {
            "asset_id": str(ASSET),
            "status": "processing",
            "previous_status": "pending",
            "error": None,
            "error_code": None,
            "version": 2,
        },
    }


async def test_an_event_under_several_topics_is_told_once(replica: Replica) -> None:
    ears = await replica.connect()
    await ears.subscribe("assets", f"asset:{ASSET}", f"user:{ANNA}", "assets")
    await replica.consume(assigned(ANNA))
    assert (await ears.next())["type"] == "assignment.asset.assigned"
    assert await ears.silent()


async def test_hears_only_what_it_follows(replica: Replica) -> None:
    ears = await replica.connect()
    await ears.subscribe(f"asset:{OTHER_ASSET}", f"user:{BOB}")
    await replica.consume(
        status_changed(ASSET),
        assigned(ANNA, ASSET),
        completed(),
        status_changed(OTHER_ASSET),
        assigned(BOB, ASSET),
    )
    assert offsets(await ears.take(2)) == [4, 5]
    await ears.ws.send_json({"action": "unsubscribe", "topics": [f"user:{BOB}"]})
    assert (await ears.next())["type"] == "unsubscribed"
    await replica.consume(assigned(BOB, ASSET), status_changed(OTHER_ASSET))
    assert offsets(await ears.take(1)) == [7]


async def test_renditions_come_with_a_url(replica: Replica) -> None:
    ears = await replica.connect()
    await ears.subscribe("assets")
    event = rendition_ready()
    await replica.consume(event)
    data = (await ears.next())["data"]
    assert SIGNER.check(data["url"]) == event.object_key
    assert "object_key" not in data


async def test_what_was_missed_follows_the_answer(replica: Replica) -> None:
    both = [await replica.connect()]
    await replica.consume(*(completed() if n % 2 else status_changed() for n in range(10)))
    both.append(await replica.connect())
    for ears in both:
        answer = await ears.subscribe("operations", since=3, epoch=ears.hello["epoch"])
        assert answer["recovered"] is True
        assert offsets(await ears.take(4)) == [4, 6, 8, 10]
    await replica.consume(completed())
    for ears in both:
        assert offsets(await ears.take(1)) == [11]
        assert await ears.silent()


async def test_an_epoch_may_be_left_out(replica: Replica) -> None:
    await replica.consume(completed())
    ears = await replica.connect()
    assert (await ears.subscribe("operations", since=0))["recovered"] is True
    assert offsets(await ears.take(1)) == [1]


async def test_recovery_is_refused_truthfully(replica: Replica, opened: Databases) -> None:
    await replica.consume(*(completed() for _ in range(5)))
    await opened.as_admin("update notifier.streams set pruned_offset = 3")
    ears = await replica.connect()
    epoch = ears.hello["epoch"]
    for since, named in ((2, epoch), (4, str(uuid4())), (4, "x"), (6, epoch), (None, epoch)):
        answer = await ears.subscribe("operations", since=since, epoch=named)
        assert answer == {"type": "subscribed", "topics": ["operations"], "recovered": False}
    await replica.consume(completed())
    assert offsets(await ears.take(1)) == [6]


async def test_a_long_gap_is_recovered_in_order(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notifier.conversation.PAGE", 7)
    monkeypatch.setattr("services.notifier.hub.PAGE", 7)
    ears = await replica.connect()
    await replica.consume(*(completed() for _ in range(100)))
    assert (await ears.subscribe("operations", since=0))["recovered"] is True
    assert offsets(await ears.take(100)) == list(range(1, 101))


async def test_no_gap_and_no_repeat_between_replay_and_live(replicas: list[Replica]) -> None:
    for _ in range(20):
        await replicas[0].consume(*(completed() for _ in range(10)))

    async def keep_going() -> None:
        for _ in range(40):
            await replicas[0].consume(*(completed() for _ in range(5)))

    going = asyncio.create_task(keep_going())
    listeners = [await replica.connect() for replica in replicas for _ in range(5)]
    answers = await asyncio.gather(*(e.subscribe("operations", since=50) for e in listeners))
    assert all(answer["recovered"] for answer in answers)
    for ears in listeners:
        assert offsets(await ears.take(350)) == list(range(51, 401))
    await going


async def test_two_replicas_converge(replicas: list[Replica]) -> None:
    both = [await replica.connect() for replica in replicas]
    for ears in both:
        await ears.subscribe("operations", "assets")
    await asyncio.gather(
        *(replica.consume(completed(), status_changed()) for replica in replicas for _ in range(10))
    )
    heard = [await ears.take(40) for ears in both]
    assert heard[0] == heard[1]
    assert offsets(heard[0]) == list(range(1, 41))


async def test_a_lost_word_of_new_events_delays_them_no_more_than_a_poll(
    replicas: list[Replica],
) -> None:
    ears = await replicas[1].connect()
    await ears.subscribe("operations")
    replicas[0].broadcasts.lost = True
    await replicas[0].consume(completed())
    assert offsets(await ears.take(1)) == [1]


async def test_progress_is_passed_on_a_few_times_a_second_and_never_stored(
    replica: Replica,
) -> None:
    ears = await replica.connect()
    await ears.subscribe(f"asset:{ASSET}")
    for percent in (10, 11, 12, 100):
        await replica.broadcasts.broadcast(sealed(progressed(percent)))
    first, last = await ears.take(2)
    assert set(first) == {"type", "time", "data"}
    assert first["data"] == {"asset_id": str(ASSET), "percent": 10, "stage": "webm"}
    assert last["data"]["percent"] == 100
    assert (await replica.poll("?since=0"))["events"] == []
    await replica.broadcasts.broadcast(sealed(progressed(5), "acme"))
    assert await ears.silent()


class TestWhoMayHear:
    """Events a person may not see are never sent."""

    async def test_a_user_hears_only_of_oneself(self, replica: Replica) -> None:
        anna = await replica.connect(user=ANNA, role="user")
        assert (await anna.subscribe(f"user:{ANNA}"))["type"] == "subscribed"
        await replica.consume(status_changed(), assigned(BOB), completed(), assigned(ANNA))
        assert (await anna.next())["data"]["user_id"] == str(ANNA)
        assert await anna.silent()

    @pytest.mark.parametrize("topic", ["assets", "operations", f"asset:{ASSET}", f"user:{BOB}"])
    async def test_a_user_may_follow_nothing_else(self, replica: Replica, topic: str) -> None:
        anna = await replica.connect(user=ANNA, role="user")
        answer = await anna.subscribe(f"user:{ANNA}", topic, since=0)
        assert (answer["type"], answer["code"]) == ("error", "forbidden")
        await replica.consume(status_changed(), assigned(BOB), completed(), assigned(ANNA))
        assert await anna.silent()

    async def test_another_tenant_hears_nothing(self, replica: Replica) -> None:
        ears = await replica.connect(tenant="acme")
        await ears.subscribe("assets", "operations", f"user:{ANNA}")
        await replica.consume(status_changed(), assigned(ANNA), completed())
        assert await ears.silent()


class TestNonsense:
    """A message that makes no sense is answered; the socket stays, for a while."""

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ("", "invalid_message"),
            ("{", "invalid_message"),
            ("[]", "invalid_message"),
            ("null", "invalid_message"),
            ('{"action": "subscribe"}', "invalid_message"),
            ('{"action": "subscribe", "topics": []}', "invalid_message"),
            ('{"action": "subscribe", "topics": "assets"}', "invalid_message"),
            ('{"action": "subscribe", "topics": ["assets"], "since": -1}', "invalid_message"),
            ('{"action": "subscribe", "topics": ["assets"], "since": "x"}', "invalid_message"),
            ('{"action": "subscribe", "topics": ["assets"], "since": 1e30}', "invalid_message"),
            ('{"action": "subscribe", "topics": ["\\u0000"]}', "invalid_topic"),
            ('{"action": "subscribe", "topics": ["assets:"]}', "invalid_topic"),
            ('{"action": "unsubscribe", "topics": ["all"]}', "invalid_topic"),
            ('{"action": "publish", "topics": ["assets"]}', "invalid_message"),
        ],
    )
    async def test_is_answered(self, replica: Replica, message: str, code: str) -> None:
        ears = await replica.connect()
        await ears.ws.send_str(message)
        answer = await ears.next()
        assert (answer["type"], answer["code"]) == ("error", code)
        assert answer["detail"]
        assert (await ears.subscribe("assets"))["type"] == "subscribed"

    async def test_is_answered_when_it_is_no_text(self, replica: Replica) -> None:
        ears = await replica.connect()
        await ears.ws.send_bytes(b"\x00\xff")
        assert (await ears.next())["code"] == "invalid_message"

    async def test_ends_the_socket_when_there_is_no_end_of_it(self, replica: Replica) -> None:
        ears = await replica.connect()
        for _ in range(20):
            await ears.ws.send_str("?")
        assert await ears.close_code() == 4400

    async def test_of_great_length_ends_the_socket(self, replica: Replica) -> None:
        ears = await replica.connect()
        await ears.ws.send_str("x" * 17 * 1024)
        assert await ears.close_code() == 1009
