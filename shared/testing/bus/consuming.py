"""The wrapper that turns functions of a transaction and an event into handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from shared.bus.consumer import OnFact, batch_consumer, consumer
from shared.bus.port import Delivery, Outcome, Subscription
from shared.contracts.assignment import OperationCompleted
from shared.contracts.context import Context
from shared.contracts.converter import TicketIssued
from shared.contracts.envelope import Envelope
from shared.contracts.event import Event
from shared.db.database import Tx, open_pool
from shared.testing.bus.kit import (
    BusKit,
    completed,
    eventually,
    leave_effect,
    parked,
    ticket,
)
from shared.testing.figures import figure

EFFECTS: dict[type[Event], OnFact] = {TicketIssued: leave_effect, OperationCompleted: leave_effect}
_ONLY_TICKETS: dict[type[Event], OnFact] = {TicketIssued: leave_effect}


class ConsumerConformance:
    """Inherit, and give ``kit``."""

    async def test_a_fact_takes_effect_in_its_own_context(self, kit: BusKit) -> None:
        bus = await kit.bus()
        seen: list[Context] = []

        async def on_fact(tx: Tx, _: Event) -> None:
            seen.append(tx.context)

        handlers: dict[type[Event], OnFact] = {TicketIssued: on_fact}
        bus.subscribe(consumer(kit.names.beta, kit.databases["receiver"], handlers))
        (one,) = await kit.send(bus, ticket(), tenant="one")
        (two,) = await kit.send(bus, ticket(), tenant="two")
        await eventually(lambda: len(seen) == 2, "both handled")
        assert {(c.tenant, c.causation_id, c.correlation_id) for c in seen} == {
            ("one", one, "story"),
            ("two", two, "story"),
        }

    async def test_a_repeated_message_takes_effect_once(self, kit: BusKit) -> None:
        bus = await kit.bus()
        repeats = figure("marquee_consumer_repeats_total", queue=kit.names.beta.name)
        bus.subscribe(consumer(kit.names.beta, kit.databases["receiver"], _ONLY_TICKETS))
        (sent,) = await kit.emit(ticket())
        (message,) = await kit.sender.batch(1)
        await kit.relay(bus)
        await kit.put(message)
        await kit.relay(bus)
        await kit.took_effect([sent])
        told = figure("marquee_consumer_repeats_total", queue=kit.names.beta.name)
        assert told == repeats + 1
        await kit.put(message)
        await kit.relay(bus)
        await kit.took_effect([sent])

    async def test_a_crash_between_commit_and_ack_takes_effect_once(self, kit: BusKit) -> None:
        dying = await kit.bus()
        real = consumer(kit.names.alpha, kit.databases["receiver"], EFFECTS).handler
        committed = asyncio.Event()

        async def commits_and_hangs(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
            await real(deliveries)
            committed.set()
            return await asyncio.Future()

        dying.subscribe(Subscription(kit.names.alpha.name, commits_and_hangs, batch=10))
        sent = await kit.send(dying, ticket(), completed())
        await committed.wait()
        await dying.close()
        heir = await kit.bus()
        heir.subscribe(consumer(kit.names.alpha, kit.databases["receiver"], EFFECTS))
        await kit.took_effect(sent)

    async def test_a_bad_fact_does_not_hold_up_the_others(self, kit: BusKit) -> None:
        bus = await kit.bus()
        events = [completed() for _ in range(10)]
        bad = events[4]

        async def on_fact(tx: Tx, event: Event) -> None:
            await leave_effect(tx, event)
            if event == bad:
                raise ValueError("this one never works")

        handlers: dict[type[Event], OnFact] = {
            TicketIssued: leave_effect,
            OperationCompleted: on_fact,
        }
        ids = await kit.send(bus, *events)
        bus.subscribe(consumer(kit.names.alpha, kit.databases["receiver"], handlers))
        await parked(bus, kit.names.alpha)
        assert sorted(await kit.effects()) == sorted(set(ids) - {ids[4]})
        (given_up,) = await bus.parked(kit.names.alpha.name)
        assert given_up.message.id == ids[4]
        assert "this one never works" in given_up.reason

    async def test_malformed_and_unknown_messages_are_parked_at_once(self, kit: BusKit) -> None:
        bus = await kit.bus()
        bus.subscribe(consumer(kit.names.beta, kit.databases["receiver"], _ONLY_TICKETS))
        (good,) = await kit.emit(ticket())
        (message,) = await kit.sender.batch(1)
        unknown = {**message.headers, "ce-type": "sender.thing.done.v9"}
        await kit.put(message, ident=uuid4(), headers={})
        await kit.put(message, ident=uuid4(), body=b"{no json")
        await kit.put(message, ident=uuid4(), headers=unknown)
        await kit.relay(bus)
        await parked(bus, kit.names.beta, 3)
        await kit.took_effect([good])
        assert {p.attempts for p in await bus.parked(kit.names.beta.name)} == {1}

    async def test_an_outage_of_the_database_spends_no_attempt(self, kit: BusKit) -> None:
        bus = await kit.bus()
        receiver = kit.databases["receiver"]
        working = receiver.pool
        away = await open_pool("postgresql://nobody@127.0.0.1:1/nowhere", role="nobody")
        receiver.pool = away
        bus.subscribe(consumer(kit.names.alpha, receiver, EFFECTS))
        sent = await kit.send(bus, *(completed() for _ in range(5)))
        await asyncio.sleep(2 * sum(kit.delays))  # long enough to be parked, were it a failure
        assert (await bus.depth(kit.names.alpha.name)).parked == 0
        receiver.pool = working
        await kit.took_effect(sent)
        await away.close()

    async def test_batches_of_one_tenant_come_whole(self, kit: BusKit) -> None:
        bus = await kit.bus()
        calls: list[tuple[str, list[UUID]]] = []

        async def on_facts(tx: Tx, facts: Sequence[Envelope[Event]]) -> None:
            calls.append((tx.context.tenant, [fact.id for fact in facts]))

        one = await kit.send(bus, *(completed() for _ in range(20)), tenant="one")
        two = await kit.send(bus, *(completed() for _ in range(20)), tenant="two")
        bus.subscribe(batch_consumer(kit.names.alpha, kit.databases["receiver"], on_facts))
        await eventually(lambda: sum(len(ids) for _, ids in calls) == 40, "all handled")
        assert [i for tenant, ids in calls if tenant == "one" for i in ids] == one
        assert [i for tenant, ids in calls if tenant == "two" for i in ids] == two
        assert len(calls) < 10

    async def test_handlers_must_match_the_queue(self, kit: BusKit) -> None:
        with pytest.raises(TypeError, match=OperationCompleted.name):
            consumer(kit.names.alpha, kit.databases["receiver"], _ONLY_TICKETS)
