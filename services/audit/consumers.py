"""What the service does with the facts it hears."""

from __future__ import annotations

from collections.abc import Sequence

from services.audit import store, trail
from services.audit.domain.entry import Deed
from services.audit.domain.mapping import deeds_of
from services.audit.domain.news import news_of
from shared.bus.consumer import batch_consumer
from shared.bus.port import Subscription
from shared.contracts.envelope import Envelope
from shared.contracts.event import Event
from shared.contracts.topology import AUDIT_TRAIL
from shared.db import Database, Tx


def subscription(database: Database) -> Subscription:
    """Everything this service listens to."""
    return batch_consumer(AUDIT_TRAIL, database, record)


async def record(tx: Tx, facts: Sequence[Envelope[Event]]) -> None:
    """Write one tenant's facts into the trail, sealed, and into the read models.

    A fact that is in the trail already is passed over, however long ago it came.
    """
    await store.take_chain(tx)
    await store.learn(tx, news_of(facts))
    deeds = await _not_yet_recorded(tx, facts)
    if deeds:
        await trail.enter(tx, deeds)


async def _not_yet_recorded(tx: Tx, facts: Sequence[Envelope[Event]]) -> list[Deed]:
    told = {deed.event_id: deed for fact in facts for deed in deeds_of(fact)}
    recorded = await store.recorded(tx, told)
    return [deed for event_id, deed in told.items() if event_id not in recorded]
