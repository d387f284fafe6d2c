"""What the bus brings: facts to be numbered, word of numbered ones, and progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cachetools import TTLCache

from services.notifier import store
from services.notifier.domain.notice import Notice
from services.notifier.hub import Hub
from shared.bus.consumer import batch_consumer
from shared.bus.port import Bus, Delivery, Outcome, Subscription
from shared.contracts.chunks import singly
from shared.contracts.context import Context
from shared.contracts.converter import AssetProgressed
from shared.contracts.envelope import Envelope, Message, seal, unseal
from shared.contracts.event import Event
from shared.contracts.notifier import EventsStored
from shared.contracts.topology import NOTIFIER_STORE
from shared.db import Database, Tx
from shared.runtime.ids import NewId

PROGRESS_PAUSE = 0.25
"""Seconds between two words of progress on one asset; the last is always passed on."""


def numbering(database: Database, bus: Bus, new_id: NewId) -> Subscription:
    """Number events as they come, and tell the replicas once they are committed."""
    stored: dict[str, tuple[int, Envelope[Event]]] = {}

    async def on_facts(tx: Tx, facts: Sequence[Envelope[Event]]) -> None:
        notices = {each.id: Notice.of(each) for each in _to_tell(facts)}
        last = await store.number(tx, notices)
        stored[tx.context.tenant] = last, facts[-1]

    subscription = batch_consumer(NOTIFIER_STORE, database, on_facts)

    async def handle(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        try:
            return await subscription.handler(deliveries)
        finally:
            # Some may have been rolled back: the replicas look, and find what there is.
            while stored:
                tenant, (offset, fact) = stored.popitem()
                await bus.broadcast(_word(tenant, offset, fact, new_id))

    return replace(subscription, handler=handle)


def _to_tell(facts: Sequence[Envelope[Event]]) -> Iterator[Envelope[Event]]:
    """What people are told, one by one; a chunk also holds what only the trail is told."""
    return (
        each for fact in facts for each in singly(fact) if type(each.event) in NOTIFIER_STORE.events
    )


def _word(tenant: str, offset: int, last: Envelope[Event], new_id: NewId) -> Message:
    event = EventsStored(tenant=tenant, offset=offset)
    context = Context(tenant).caused_by(last.id)
    return seal(event, ident=new_id(), time=last.time, context=context)


class Listening:
    """Passes transient messages on to the sockets of this replica."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lately: TTLCache[str, bool] = TTLCache(maxsize=10_000, ttl=PROGRESS_PAUSE)

    async def on_stored(self, _: Message) -> None:
        """Look for new events now rather than at the next poll."""
        self._hub.wake()

    async def on_progress(self, message: Message) -> None:
        """Tell how far a conversion is, a few times a second, and always when it is through."""
        fact = unseal(message)
        event = fact.event
        assert isinstance(event, AssetProgressed)
        key = f"{fact.context.tenant}/{event.asset_id}"
        if key in self._lately and event.percent < 100:
            return
        self._lately[key] = True
        self._hub.tell(fact.context.tenant, Notice.of(fact))
