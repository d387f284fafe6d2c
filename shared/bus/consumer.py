"""Consumers: what turns ``async def on_fact(tx, event)`` into a handler on a queue.

Each message takes effect once: its id enters the inbox in the transaction of its effect, so a
redelivery, a repeated publish or a crash between commit and ack changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import structlog

from shared import tracing
from shared.bus import inbox, metrics
from shared.bus.port import Ack, Delivery, NotNow, Outcome, Park, Retry, Subscription
from shared.contracts.envelope import Envelope, MalformedMessage, unseal
from shared.contracts.event import Event, UnknownEvent
from shared.contracts.topology import Queue
from shared.db import Database, Tx

TRACES_TOLD = 20
"""Facts of a batch whose traces a line of the log names, at most."""

log = structlog.get_logger()

OnFact = Callable[[Tx, Any], Awaitable[None]]
OnFacts = Callable[[Tx, Sequence[Envelope[Event]]], Awaitable[None]]

_OUTAGES = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
"""What PostgreSQL or the way to it raises when it is away; none of it is the message's fault."""


def consumer(
    queue: Queue,
    database: Database,
    handlers: Mapping[type[Event], OnFact],
    *,
    batch: int = 50,
    concurrency: int = 1,
) -> Subscription:
    """Handle each fact by the function for its class, up to ``batch`` in one transaction.

    ``tx.context`` is the fact's: its tenant, its actor, caused by it. Raises TypeError if the
    handlers do not cover exactly the events of the queue.
    """
    if set(handlers) != set(queue.accepted):
        differing = {event.name for event in set(handlers) ^ set(queue.accepted)}
        raise TypeError(f"handlers of {queue.name} do not match its events: {sorted(differing)}")

    async def one_by_one(tx: Tx, facts: Sequence[Envelope[Event]]) -> None:
        for fact in facts:
            tx.context = fact.context.caused_by(fact.id)
            await handlers[type(fact.event)](tx, fact.event)

    return batch_consumer(queue, database, one_by_one, batch=batch, concurrency=concurrency)


def batch_consumer(
    queue: Queue,
    database: Database,
    on_facts: OnFacts,
    *,
    batch: int = 200,
    concurrency: int = 1,
) -> Subscription:
    """Handle up to ``batch`` facts of one tenant by one call, in one transaction.

    ``tx.context`` is that of the first. A batch that fails is tried again fact by fact, so that
    one bad fact does not hold up the others.
    """
    inlet = _Inlet(queue, database, on_facts)
    return Subscription(queue.name, inlet, batch=batch, concurrency=concurrency)


class _Inlet:
    """The handler of one queue: unseals, groups by tenant, commits, and answers."""

    def __init__(self, queue: Queue, database: Database, on_facts: OnFacts) -> None:
        self._queue = queue
        self._database = database
        self._on_facts = on_facts

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        opened = [self._open(delivery) for delivery in deliveries]
        outcomes: dict[int, Outcome] = {}
        tenants: dict[str, dict[int, Envelope[Event]]] = {}
        for place, fact in enumerate(opened):
            if isinstance(fact, Park):
                outcomes[place] = fact
            else:
                tenants.setdefault(fact.context.tenant, {})[place] = fact
        for group in tenants.values():
            outcomes |= await self._settle(group)
        return [outcomes[place] for place in range(len(deliveries))]

    def _open(self, delivery: Delivery) -> Envelope[Event] | Park:
        try:
            fact = unseal(delivery.message)
        except (MalformedMessage, UnknownEvent) as error:
            log.error("message_parked", queue=self._queue.name, error=repr(error))
            return Park(repr(error))
        if type(fact.event) not in self._queue.accepted:
            log.error("message_parked", queue=self._queue.name, error="not for this queue")
            return Park(f"{fact.event.name} is not for {self._queue.name}")
        return fact

    async def _settle(self, group: Mapping[int, Envelope[Event]]) -> dict[int, Outcome]:
        """All at once, or, if that fails, each on its own."""
        try:
            await self._take(list(group.values()))
        except Exception as error:
            await self._pause_in_outage(error)
            if len(group) == 1:
                return {place: self._retry(error, fact) for place, fact in group.items()}
            alone = [await self._settle({place: fact}) for place, fact in group.items()]
            return {place: outcome for one in alone for place, outcome in one.items()}
        return dict.fromkeys(group, Ack())

    async def _take(self, told: Sequence[Envelope[Event]]) -> None:
        with _followed(self._queue, told) as facts:
            await self._commit(facts)

    async def _commit(self, facts: Sequence[Envelope[Event]]) -> None:
        began = time.perf_counter()
        context = facts[0].context.caused_by(facts[0].id)
        async with self._database.transaction(context) as tx:
            ids = (fact.id for fact in facts)
            new = await inbox.enter(tx, self._database.schema, self._queue.name, ids)
            fresh = _once_each(facts, new)
            if fresh:
                await self._on_facts(tx, fresh)
        metrics.repeated.labels(self._queue.name).inc(len(facts) - len(fresh))
        log.debug(
            "facts_handled",
            queue=self._queue.name,
            handled=len(fresh),
            repeated=len(facts) - len(fresh),
            seconds=round(time.perf_counter() - began, 6),
            **_traces(facts),
        )

    async def _pause_in_outage(self, error: Exception) -> None:
        if isinstance(error, _OUTAGES) or not await self._database.reachable():
            raise NotNow(f"the database is away: {error!r}") from error

    def _retry(self, error: Exception, fact: Envelope[Event]) -> Retry:
        log.warning(
            "fact_failed",
            queue=self._queue.name,
            event_ids=[str(fact.id)],
            exc_info=error,
            **_traces([fact]),
        )
        return Retry(repr(error))


def _traces(facts: Sequence[Envelope[Event]]) -> dict[str, Any]:
    """The traces that facts belong to, as a line of the log says it."""
    told = (fact.context.trace_id for fact in facts[:TRACES_TOLD])
    ids = list(dict.fromkeys(filter(None, told)))
    if len(facts) > 1:
        return {"trace_ids": ids}
    return {"trace_id": ids[0]} if ids else {}


@contextmanager
def _followed(
    queue: Queue, facts: Sequence[Envelope[Event]]
) -> Iterator[Sequence[Envelope[Event]]]:
    """The facts, each as a step of the trace that it came with, if steps are recorded."""
    if not tracing.on():
        yield facts
        return
    with ExitStack() as steps:
        yield [_step(queue, fact, steps) for fact in facts]


def _step(queue: Queue, fact: Envelope[Event], steps: ExitStack) -> Envelope[Event]:
    step = steps.enter_context(tracing.step("CONSUMER", fact.context.traceparent))
    step.called(
        f"process {queue.name}",
        messaging__system="rabbitmq",
        messaging__destination__name=queue.name,
        messaging__message__id=str(fact.id),
        marquee__event=fact.event.name,
    )
    return replace(fact, context=replace(fact.context, traceparent=step.traceparent))


def _once_each(facts: Sequence[Envelope[Event]], new: set[Any]) -> list[Envelope[Event]]:
    """The facts whose ids are new, in order; a batch may hold the same message twice."""
    return list({fact.id: fact for fact in facts if fact.id in new}.values())
