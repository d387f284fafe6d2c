"""Handing out deliveries: in batches, some at once, with patience and a graceful stop.

Both adapters use it, so both keep the same promises about handlers. Its tasks belong to nobody's
channel: the loss of a connection never cancels a handler.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from shared.bus import metrics
from shared.bus.ending import end
from shared.bus.port import BusUnavailable, Delivery, NotNow, Outcome, Subscription, Unroutable

log = structlog.get_logger()


class Held(Protocol):
    """A delivery that an adapter has handed to this process."""

    @property
    def delivery(self) -> Delivery:
        """What the handler sees."""

    @property
    def ours(self) -> bool:
        """False once it is settled, or was given to someone else because a connection broke."""


LONGEST_REST = 0.05
"""Seconds to let a batch form, at most."""

H = TypeVar("H", bound=Held)

Take = Callable[[int], Awaitable[Sequence[H]]]
"""Waits for at least one delivery and returns at most so many."""

Settle = Callable[[Sequence[tuple[H, Outcome]]], Awaitable[None]]
"""Makes outcomes last. Raises BusUnavailable or Unroutable; asked again, it does what is left."""


def pauses(first: float = 0.2, last: float = 2.0) -> Iterator[float]:
    """Seconds to wait between tries, doubling up to ``last``, spread so that none keep in step."""
    pause = first
    while True:
        yield pause * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret
        pause = min(2 * pause, last)


class Workers(Generic[H]):
    """The tasks that serve one subscription."""

    def __init__(self, subscription: Subscription, take: Take[H], settle: Settle[H]) -> None:
        self._subscription = subscription
        self._take = take
        self._settle = settle
        self._duration = metrics.handling.labels(subscription.queue)
        self._lag = metrics.waited.labels(subscription.queue)
        self._stopping = False
        self._busy: set[asyncio.Task[None] | None] = set()
        self._tasks = [
            asyncio.create_task(self._work(), name=f"{subscription.queue}-{n}")
            for n in range(subscription.concurrency)
        ]

    @property
    def queue(self) -> str:
        """Where the deliveries come from."""
        return self._subscription.queue

    @property
    def idle(self) -> bool:
        """Whether every worker waits for something to do."""
        return not self._busy

    async def stop(self, grace: float) -> None:
        """Take nothing more, give running handlers ``grace`` seconds, then cancel them."""
        self._stopping = True
        for task in set(self._tasks) - self._busy:
            task.cancel()
        if self._busy:
            await asyncio.wait(self._tasks, timeout=grace)
        await end(self._tasks)

    async def _work(self) -> None:
        now = asyncio.get_running_loop().time
        while not self._stopping:
            held = await self._next_batch()
            began = now()
            self._busy.add(asyncio.current_task())
            try:
                await self._make_last(await self._decide(held))
            finally:
                self._busy.discard(asyncio.current_task())
            if len(held) < self._subscription.batch:
                await self._let_form(now() - began)

    @staticmethod
    async def _let_form(spent: float) -> None:
        """Let the next batch form for as long as the last one took.

        What it costs is spread over more messages the busier the machine is, and nobody waits
        much longer than before.
        """
        await asyncio.sleep(min(spent, LONGEST_REST))

    async def _next_batch(self) -> Sequence[H]:
        for pause in pauses():
            try:
                return await self._take(self._subscription.batch)
            except BusUnavailable as error:
                log.warning("bus_unavailable", queue=self._subscription.queue, error=str(error))
            await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    async def _decide(self, held: Sequence[H]) -> list[tuple[H, Outcome]]:
        for pause in pauses():
            held = [one for one in held if one.ours]
            if not held:
                break
            try:
                return list(zip(held, await self._handled(held), strict=True))
            except NotNow as error:
                metrics.undecided.labels(self.queue, "paused").inc()
                log.warning("handler_paused", queue=self._subscription.queue, error=str(error))
            except Exception:
                metrics.undecided.labels(self.queue, "broken").inc()
                log.exception("handler_failed", queue=self._subscription.queue)
            await self._rest(pause)
        return []

    async def _handled(self, held: Sequence[H]) -> Sequence[Outcome]:
        deliveries = [one.delivery for one in held]
        if (lag := metrics.age(deliveries)) is not None:
            self._lag.observe(lag)
        with self._duration.time():
            return await self._subscription.handler(deliveries)

    async def _make_last(self, settled: list[tuple[H, Outcome]]) -> None:
        for pause in pauses():
            settled = [(one, outcome) for one, outcome in settled if one.ours]
            if not settled:
                return
            try:
                await self._settle(settled)
                return
            except (BusUnavailable, Unroutable) as error:
                log.warning("settling_paused", queue=self._subscription.queue, error=str(error))
            await asyncio.sleep(pause)

    async def _rest(self, pause: float) -> None:
        """Wait before the next try; a stop need not wait with us."""
        task = asyncio.current_task()
        if self._stopping:
            raise asyncio.CancelledError
        self._busy.discard(task)
        await asyncio.sleep(pause)
        self._busy.add(task)
