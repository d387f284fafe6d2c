"""The bus on RabbitMQ: the promises of every bus, and what is particular to a broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import aio_pika
import pytest
from structlog.testing import capture_logs

from shared.bus.port import Park
from shared.bus.rabbit import RabbitBus, Timing
from shared.bus.rabbit.topology import Topology
from shared.contracts.context import Context
from shared.contracts.envelope import seal
from shared.testing.bus.conformance import BusConformance
from shared.testing.bus.kit import (
    RECEIVER,
    SENDER,
    Recorder,
    completed,
    empty,
    eventually,
    now,
    on,
    parked,
    ticket,
    undone,
)
from shared.testing.bus.rabbit import RabbitKit
from shared.testing.figures import figure
from shared.testing.fixtures import OpenDatabases


@pytest.fixture
async def kit(databases: OpenDatabases, amqp_url: str) -> AsyncIterator[RabbitKit]:
    """A fresh kit."""
    kit = RabbitKit(await databases(SENDER, RECEIVER), amqp_url)
    yield kit
    await kit.close()


class TestRabbitBus(BusConformance):
    """Passes the suite."""


async def test_speaks_cloudevents_in_amqp(kit: RabbitKit) -> None:
    """Contract, section 5."""
    bus = await kit.bus()
    event = undone()
    (ident,) = await kit.send(bus, event, tenant="one")
    async with kit.channel() as channel:
        queue = await channel.get_queue(kit.names.gamma.name)
        incoming = await queue.get()
        await incoming.ack()
    assert incoming.exchange == kit.names.exchange
    assert incoming.routing_key == event.name
    assert incoming.message_id == str(ident)
    assert incoming.content_type == "application/json"
    assert incoming.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert incoming.type == "assignment.operation.undone.v1"
    assert incoming.app_id == "assignment"
    assert incoming.body == event.body()
    assert {
        "ce-specversion": "1.0",
        "ce-id": str(ident),
        "ce-type": "assignment.operation.undone.v1",
        "ce-source": "/marquee/assignment",
        "ce-tenantid": "one",
        "ce-actor": "system",
        "ce-correlationid": "story",
        "ce-subject": str(event.operation_id),
    }.items() <= incoming.headers.items()


async def test_one_process_relays_an_outbox_and_another_takes_over(kit: RabbitKit) -> None:
    leader, follower = await kit.bus(), await kit.bus()
    await kit.emit(ticket())
    assert await leader.relay(kit.sender) == 1
    await kit.emit(ticket())
    assert await follower.relay(kit.sender) == 0
    await leader.close()
    assert await follower.relay(kit.sender) == 1


async def test_leadership_ends_with_its_session(kit: RabbitKit) -> None:
    leader, follower = await kit.bus(), await kit.bus()
    await kit.emit(ticket())
    assert await leader.relay(kit.sender) == 1
    await kit.databases.as_admin(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
    )
    await kit.emit(ticket())

    async def follower_leads() -> bool:
        return await follower.relay(kit.sender) == 1

    await eventually(follower_leads, "the follower leads")
    assert await leader.relay(kit.sender) == 0
    await follower.close()
    await kit.emit(ticket())
    assert await leader.relay(kit.sender) == 1


async def test_a_deleted_queue_comes_back_with_its_consumer(kit: RabbitKit) -> None:
    bus, recorder = await kit.bus(), Recorder()
    bus.subscribe(on(kit.names.beta, recorder))
    await kit.send(bus, ticket())
    await recorder.got(1)
    rebuilds = figure("marquee_consumer_rebuilds_total", queue=kit.names.beta.name)
    with capture_logs() as logs:
        async with kit.channel() as channel:
            await channel.queue_delete(kit.names.beta.name)
        await _is_consumed(kit, kit.names.beta.name)
    lost = [each["queue"] for each in logs if each["event"] == "consumer_lost"]
    assert lost == [kit.names.beta.name]
    assert figure("marquee_consumer_rebuilds_total", queue=kit.names.beta.name) == rebuilds + 1
    await kit.send(bus, ticket())
    await recorder.got(2)


async def test_a_removed_binding_comes_back(kit: RabbitKit) -> None:
    bus, recorder = await kit.bus(), Recorder()
    bus.subscribe(on(kit.names.gamma, recorder))
    async with kit.channel() as channel:
        queue = await channel.get_queue(kit.names.gamma.name)
        await queue.unbind(kit.names.exchange, undone().name)
    sent = await kit.emit(undone())

    async def relayed() -> bool:
        try:
            return await bus.relay(kit.sender) == 1
        except Exception:
            return False

    await eventually(relayed, "the outbox is relayed again")
    await recorder.got(1)
    assert recorder.ids == sent


async def test_a_consumer_that_the_broker_forgot_is_noticed(kit: RabbitKit) -> None:
    """Nothing tells us; only the broker's counts do."""
    bus, recorder = await kit.bus(), Recorder()
    bus.subscribe(on(kit.names.beta, recorder))
    await _is_consumed(kit, kit.names.beta.name)
    (consumer,) = bus._consumers  # type: ignore[attr-defined]
    underlay = await consumer._channel.get_underlay_channel()
    await underlay.basic_cancel(consumer._tag)
    await kit.send(bus, ticket())
    await recorder.got(1)


async def test_a_crash_loop_ends_in_the_parked_queue(kit: RabbitKit) -> None:
    """Whoever kills its consumer with each delivery is parked by the broker, not dropped."""
    bus = await kit.bus()
    (ident,) = await kit.send(bus, undone())
    for _ in range(25):
        async with kit.channel() as channel:
            queue = await channel.get_queue(kit.names.gamma.name)
            if await queue.get(fail=False) is None:
                break
    await parked(bus, kit.names.gamma)
    (given_up,) = await bus.parked(kit.names.gamma.name)
    assert (given_up.message.id, given_up.reason) == (ident, "delivery_limit")
    recorder = Recorder()
    bus.subscribe(on(kit.names.gamma, recorder))
    await kit.replay(bus, given_up)
    await recorder.got(1)


async def test_a_message_of_a_stranger_can_be_parked_and_replayed(kit: RabbitKit) -> None:
    bus = await kit.bus()
    recorder = Recorder(lambda d: Park("who are you"))
    bus.subscribe(on(kit.names.beta, recorder))
    async with kit.channel() as channel:
        await channel.default_exchange.publish(
            aio_pika.Message(b"\xff", message_id="no uuid", headers={"n": 1}),
            routing_key=kit.names.beta.name,
        )
    await parked(bus, kit.names.beta)
    (given_up,) = await bus.parked(kit.names.beta.name)
    assert given_up.message.body == b"\xff"
    assert isinstance(given_up.message.id, UUID)
    await kit.replay(bus, given_up)
    await recorder.got(2)
    assert recorder.ids[0] == recorder.ids[1]


async def test_looking_at_parked_messages_never_uses_them_up(kit: RabbitKit) -> None:
    """A quorum queue counts each look as a delivery, and drops beyond its limit."""
    bus = await kit.bus()
    bus.subscribe(on(kit.names.beta, Recorder(lambda _: Park("no"))))
    await kit.send(bus, ticket())
    await parked(bus, kit.names.beta)
    for _ in range(25):
        assert len(await bus.parked(kit.names.beta.name)) == 1


async def test_the_same_message_failing_in_many_queues_at_once(kit: RabbitKit) -> None:
    """The client tells confirms apart by message id; two in flight would be mixed up."""
    bus = await kit.bus()
    for queue in (kit.names.alpha, kit.names.beta):
        bus.subscribe(on(queue, Recorder(lambda _: Park("both")), batch=50))
    await kit.send(bus, *(ticket() for _ in range(50)))
    await parked(bus, kit.names.alpha, 50)
    await parked(bus, kit.names.beta, 50)


async def test_a_queue_that_is_missing_is_named_and_declared_again(kit: RabbitKit) -> None:
    topology = Topology(kit.names.queues, kit.names.exchange, kit.delays)
    bus = RabbitBus(kit.url, topology=topology, timing=Timing(watch=60))
    kit.buses.append(bus)
    await bus.open()
    async with kit.channel() as channel:
        await channel.queue_delete(kit.names.gamma.parked)
    assert await bus.missing() == [kit.names.gamma.parked]
    await bus.declare()
    assert await bus.missing() == []
    assert (bus.version() or "").startswith("RabbitMQ ")


async def test_a_broadcast_never_waits(kit: RabbitKit) -> None:
    bus = kit.build()  # never opened: there is no broker to talk to
    message = seal(completed(), ident=uuid4(), time=now(), context=Context("default"))
    async with asyncio.timeout(1):
        for _ in range(1000):
            await bus.broadcast(message)
    await bus.close()


async def test_two_processes_share_a_queue(kit: RabbitKit) -> None:
    buses = [await kit.bus(), await kit.bus()]
    recorders = [Recorder(), Recorder()]
    for bus, recorder in zip(buses, recorders, strict=True):
        bus.subscribe(on(kit.names.beta, recorder))
    await _is_consumed(kit, kit.names.beta.name, by=2)
    sent = await kit.send(buses[0], *(ticket() for _ in range(40)))
    await eventually(lambda: sum(len(r.ids) for r in recorders) == 40, "all delivered")
    assert sorted(recorders[0].ids + recorders[1].ids) == sorted(sent)
    assert all(recorder.ids for recorder in recorders)
    await empty(buses[0], kit.names.beta)


async def _is_consumed(kit: RabbitKit, queue: str, by: int = 1) -> None:
    async def consumed() -> bool:
        async with kit.channel() as channel:
            try:
                declared = await channel.declare_queue(queue, passive=True)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                return False
            return declared.declaration_result.consumer_count == by

    await eventually(consumed, f"{queue} is consumed")
