"""Resync: an owner tells a consumer again what is so, and nobody else.

For a consumer that came late, or whose database was restored. What is told again goes to the
consumer's queue alone, in events that state what is so and not what happened: the trail makes no
deed of them, and people are not told old facts as new. Versions see to it that a consumer takes
only what is newer than what it has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record
from pydantic import BaseModel

from shared.contracts.event import Event
from shared.contracts.maintenance import Maintenance
from shared.contracts.topology import COPIES
from shared.db import Database, Statement, Tx
from shared.operating.views import Consumer, ResyncBody, ToldView
from shared.web import Answer, Call, Routes

PAGE = 500
"""Rows read, and events stored, at a time."""

Telling = Callable[[Tx, str], Awaitable[int]]
"""Tells one kind of thing to a queue, within a transaction; returns how many."""

routes = Routes("Resync")


@dataclass(frozen=True, slots=True)
class Restating:
    """What one owner tells to whom, by kind; ``deed`` is how it tells the trail of that."""

    service: str
    database: Database
    deed: type[Maintenance]
    tellings: Mapping[Consumer, Mapping[str, Telling]]

    async def tell(self, tx: Tx, consumer: Consumer) -> list[ToldView]:
        """Tell a consumer all of the tenant's state again."""
        queue = COPIES[consumer].name
        told = [
            ToldView(service=self.service, kind=kind, count=await telling(tx, queue))
            for kind, telling in self.tellings.get(consumer, {}).items()
        ]
        tx.emit(
            self.deed(
                maintenance_id=tx.new_id(),
                kind="state_resynced",
                consumer=consumer,
                queue=queue,
                count=sum(each.count for each in told),
            )
        )
        return told


class Restated(BaseModel):
    """What an owner told again."""

    told: list[ToldView]


@routes.post("/internal/resync", access="internal", answers={202: Restated}, idempotent=True)
async def resync(call: Call[Restating], body: ResyncBody) -> Answer:
    """Tell a consumer the tenant's state again; all of it, or, should it fail, nothing."""

    async def command(tx: Tx) -> Answer:
        return Answer(202, Restated(told=await call.parts.tell(tx, body.consumer)))

    return await call.once(call.parts.database, command)


async def in_pages(
    tx: Tx, rows_after: Statement, event_of: Callable[[Record], Event], queue: str
) -> int:
    """Emit an event for each row; the statement takes ``after``, an id, and ``count``."""
    told, after = 0, UUID(int=0)
    while True:
        rows = await tx.fetch(rows_after, after=after, count=PAGE)
        for row in rows:
            tx.emit(event_of(row), to=queue)
        await tx.flush()
        told += len(rows)
        if len(rows) < PAGE:
            return told
        after = rows[-1]["id"]
