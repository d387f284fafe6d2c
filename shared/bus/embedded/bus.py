"""The bus of a process that is alone: queues in a table, consumers woken in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

import structlog

from shared.bus import metrics
from shared.bus.broadcast import Listeners
from shared.bus.embedded.line import Line
from shared.bus.embedded.store import Again, Row, Store
from shared.bus.ending import end
from shared.bus.outbox import Outbox
from shared.bus.port import (
    Ack,
    BusUnavailable,
    Depth,
    Listener,
    Outcome,
    Park,
    ParkedMessage,
    Retry,
    Subscription,
    Unroutable,
)
from shared.bus.workers import Workers, pauses
from shared.contracts.envelope import Message
from shared.contracts.topology import QUEUES, RETRY_DELAYS, Queue
from shared.db import Database

log = structlog.get_logger()

_OPENING = 10.0


class EmbeddedBus:
    """Keeps every promise of the port on one PostgreSQL, for one process.

    ``database`` is its own schema; its role may take rows out of every outbox. A kill loses
    nothing: a row leaves the table only when it is settled, and is handed out again at the next
    start.
    """

    def __init__(
        self,
        database: Database,
        *,
        queues: Sequence[Queue] = QUEUES,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self._store = Store(database.pool)
        self._routes = [(name, queue.name) for queue in queues for name in queue.bindings]
        self._names = sorted({name for name, _ in self._routes})
        self._retry_delays = retry_delays
        self._lines: dict[str, Line] = {}
        self._workers: list[Workers[Row]] = []
        self._listeners = Listeners()
        self._ready_making = asyncio.Lock()
        self._delayed = asyncio.Event()
        self._promoting: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start promoting delayed messages; the tables come from the migrations."""
        self._promoting = asyncio.create_task(self._promote_for_ever(), name="bus-promote")
        try:
            async with asyncio.timeout(_OPENING):
                await self._store.check()
        except TimeoutError as error:
            raise BusUnavailable("the database does not answer") from error

    async def close(self) -> None:
        """Stop everything."""
        await self.stop(0)
        await self._listeners.close()
        if self._promoting:
            await end([self._promoting])

    async def relay(self, outbox: Outbox) -> int:
        """Publish and confirm by one statement: from the outbox into every bound queue."""
        async with self._ready_making:
            try:
                rows = await self._store.relay(outbox.schema, self._routes)
            except BaseException:
                self._spill()
                raise
            self._offer(rows)
        moved = len({row.delivery.message.id for row in rows})
        if unroutable := await self._store.unroutable(outbox.schema, self._names):
            raise Unroutable(unroutable, moved)
        return moved

    async def broadcast(self, message: Message) -> None:
        """Tell the listeners of this process; there is no other."""
        self._listeners.tell(message)

    def listen(self, name: str, listener: Listener) -> None:
        """Call ``listener`` for each broadcast of this name."""
        self._listeners.add(name, listener)

    def subscribe(self, subscription: Subscription) -> None:
        """Start handing out, beginning with what is already in the table."""
        line = self._lines.setdefault(
            subscription.queue, Line(subscription.queue, self._store, self._ready_making)
        )
        self._workers.append(Workers(subscription, line.take, self._settle))

    async def stop(self, grace: float) -> None:
        """Stop handing out; rows that are not settled stay in the table."""
        workers, self._workers = self._workers, []
        await asyncio.gather(*(each.stop(grace) for each in workers))
        self._lines.clear()

    async def depth(self, queue: str) -> Depth:
        """Ready and not handed out, and parked."""
        depth = await self._store.depth(queue)
        line = self._lines.get(queue)
        ready = max(0, depth.ready - (line.handed_out if line else 0))
        consumers = sum(each.queue == queue for each in self._workers)
        return replace(
            depth, ready=ready, consumers=consumers, oldest=depth.oldest if ready else None
        )

    async def parked(self, queue: str, limit: int = 100) -> list[ParkedMessage]:
        """Look at parked messages, oldest first."""
        return await self._store.parked(queue, limit)

    async def discard(self, queue: str, parkings: Collection[UUID]) -> int:
        """Delete parked rows."""
        return await self._store.discard(queue, parkings)

    async def missing(self) -> list[str]:
        """None: the queues are rows of one table, and the bindings are in memory."""
        return []

    async def declare(self) -> None:
        """Nothing can get lost."""

    def version(self) -> str | None:
        """The bus is part of this program."""
        return "embedded"

    def healthy(self) -> bool:
        """Whether the last statement reached the database."""
        return self._store.reached

    async def _settle(self, settled: Sequence[tuple[Row, Outcome]]) -> None:
        """Each kind of outcome by one statement; asked again after a failure, it does the rest."""
        queue = settled[0][0].queue
        acked = [row for row, outcome in settled if isinstance(outcome, Ack)]
        failed = [(row, outcome) for row, outcome in settled if not isinstance(outcome, Ack)]
        delayed = [pair for pair in failed if self._may_retry(*pair)]
        parked = [pair for pair in failed if not self._may_retry(*pair)]
        if acked:
            await self._store.ack(queue, [row.seq for row in acked])
            self._done(acked, "acknowledged")
        if delayed:
            await self._store.retry(queue, [self._again(*pair) for pair in delayed])
            self._done([row for row, _ in delayed], "retried")
            self._delayed.set()
        if parked:
            await self._store.park(queue, [self._again(*pair) for pair in parked])
            self._done([row for row, _ in parked], "parked")

    def _may_retry(self, row: Row, outcome: Outcome) -> bool:
        return isinstance(outcome, Retry) and row.delivery.attempt < len(self._retry_delays)

    def _again(self, row: Row, outcome: Outcome) -> Again:
        assert isinstance(outcome, Retry | Park)
        attempt = row.delivery.attempt
        delay = self._retry_delays[attempt] if self._may_retry(row, outcome) else 0.0
        return Again(row.seq, attempt + 1, outcome.reason, delay)

    def _done(self, rows: Sequence[Row], outcome: str) -> None:
        metrics.settled.labels(rows[0].queue, outcome).inc(len(rows))
        for row in rows:
            row.ours = False
            if line := self._lines.get(row.queue):
                line.handed_out -= 1

    def _offer(self, rows: Sequence[Row]) -> None:
        by_queue: dict[str, list[Row]] = {}
        for row in rows:
            by_queue.setdefault(row.queue, []).append(row)
        for queue, of_queue in by_queue.items():
            if line := self._lines.get(queue):
                line.offer(of_queue)

    def _spill(self) -> None:
        """After a statement that may or may not have been committed, look into the table."""
        for line in self._lines.values():
            line.spill()

    async def _promote_for_ever(self) -> None:
        tries = pauses()
        while True:
            self._delayed.clear()
            try:
                wait = await self._promote()
                tries = pauses()
            except BusUnavailable as error:
                log.warning("promotion_paused", error=str(error))
                wait = next(tries)
            try:
                async with asyncio.timeout(wait):
                    await self._delayed.wait()
            except TimeoutError:
                pass

    async def _promote(self) -> float:
        """Make due messages ready; return the seconds until there may be more to do."""
        async with self._ready_making:
            try:
                self._offer(await self._store.promote())
            except BaseException:
                self._spill()
                raise
        due = await self._store.next_due()
        return 60.0 if due is None else max(0.0, due)
