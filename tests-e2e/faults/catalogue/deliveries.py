"""Messages come twice, late, in any order, and from a version to come."""

from __future__ import annotations

import asyncio

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

from faults.fault import Fault, Scene
from shared.contracts.identity import UserCreated
from shared.contracts.topology import ASSIGNMENT_FACTS, EXCHANGE, QUEUES
from shared.runtime.ids import new_id
from shared.testing.brokers import connected

_TICKET = "converter.ticket.issued"


async def strange_deliveries(scene: Scene) -> None:
    """Everything once or twice more, shuffled; fields, kinds and majors that nobody knows yet.

    Survived by: the inbox; versions in read models; events that ignore what they do not know; and
    the parked queue for what cannot be understood.
    """
    caught: list[AbstractIncomingMessage] = []
    async with connected(scene.site.broker.url) as connection:
        channel = await connection.channel()
        tap = await channel.declare_queue(exclusive=True)
        await tap.bind(EXCHANGE, "#")

        async def catch(message: AbstractIncomingMessage) -> None:
            caught.append(message)

        await tap.consume(catch, no_ack=True)
        await scene.load.hire(3, scene.random)
        await asyncio.sleep(scene.much(5, 20))
        messages = [m for m in caught if m.routing_key != _TICKET and not _transient(m)]
        scene.expect(len(messages) > 20, f"F23: only {len(messages)} messages to repeat")
        again = messages * 2
        scene.random.shuffle(again)
        for message in again:
            for queue in QUEUES:
                if message.routing_key in queue.bindings:
                    await channel.default_exchange.publish(_copy(message), queue.name)
        await _from_the_future(scene, channel.default_exchange, messages)


def _transient(message: AbstractIncomingMessage) -> bool:
    return message.delivery_mode != aio_pika.DeliveryMode.PERSISTENT


def _copy(message: AbstractIncomingMessage, **changed: object) -> aio_pika.Message:
    given = {
        "body": message.body,
        "headers": dict(message.headers),
        "message_id": message.message_id,
        "content_type": message.content_type,
        "type": message.type,
        "timestamp": message.timestamp,
        "delivery_mode": message.delivery_mode,
    }
    return aio_pika.Message(**(given | changed))


async def _from_the_future(
    scene: Scene, exchange: AbstractExchange, messages: list[AbstractIncomingMessage]
) -> None:
    """A known event with one more field is understood; a kind and a major that are new are parked.

    The first has an id of its own, so that it is looked at; it tells nothing new.
    """
    queue = ASSIGNMENT_FACTS.name
    model = next(m for m in messages if m.routing_key == UserCreated.name)
    richer = model.body.rstrip()[:-1] + b', "of_tomorrow": 1}'
    ident = str(new_id())
    headers = {**model.headers, "ce-id": ident}
    await exchange.publish(_copy(model, body=richer, headers=headers, message_id=ident), queue)
    for kind in ("identity.user.dreamt.v1", f"{model.routing_key}.v9"):
        headers = {**model.headers, "ce-type": kind}
        await exchange.publish(_copy(model, headers=headers, type=kind), queue)
        scene.poison += 1


FAULTS = [Fault("F23", "messages repeated, shuffled, and of tomorrow", strange_deliveries)]
