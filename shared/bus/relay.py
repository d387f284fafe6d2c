"""The relay: sweeps the outboxes on to the bus, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from shared.bus.outbox import BATCH, Outbox
from shared.bus.port import Bus, Unroutable
from shared.bus.workers import pauses

log = structlog.get_logger()

GATHER, LONGEST_GATHER = 0.005, 0.03
"""Seconds to wait after being woken, so that commits in a burst leave together.

As long as the last batch took, between these two: the busier the machine, the more leave together.
Half as long, if the first of them came during that batch and has waited meanwhile.
"""

REMIND = 15.0
"""Seconds between two complaints about the same trouble."""


class Relay:
    """Moves what services emit on to the bus.

    A commit in this process wakes it at once; ``poll`` seconds later it finds what other
    processes committed, and what a crash left behind.
    """

    def __init__(self, bus: Bus, outboxes: Sequence[Outbox], *, poll: float = 0.1) -> None:
        self._bus = bus
        self._outboxes = outboxes
        self._poll = poll
        self._woken = {outbox.schema: asyncio.Event() for outbox in outboxes}
        for outbox in outboxes:
            outbox.database.on_emit = self._woken[outbox.schema].set

    async def run(self) -> None:
        """Sweep until cancelled."""
        async with asyncio.TaskGroup() as sweeps:
            for outbox in self._outboxes:
                sweeps.create_task(self._sweep(outbox), name=f"relay-{outbox.schema}")

    async def _sweep(self, outbox: Outbox) -> None:
        tries = pauses(first=self._poll)
        unroutable, paused = _Complaint(), _Complaint()
        now = asyncio.get_running_loop().time
        while True:
            woken = self._woken[outbox.schema]
            woken.clear()
            began = now()
            try:
                moved = await self._bus.relay(outbox)
                tries = pauses(first=self._poll)
            except Unroutable as error:
                if unroutable.due():
                    log.error("outbox_unroutable", schema=outbox.schema, names=error.names)
                moved = error.moved
            except Exception as error:  # an outage of either side: the rows stay, we come again
                if paused.due():
                    log.warning("relay_paused", schema=outbox.schema, error=repr(error))
                await asyncio.sleep(next(tries))
                continue
            spent = now() - began
            gather = min(max(spent, GATHER), LONGEST_GATHER)
            if moved == BATCH:
                continue
            if woken.is_set():
                await asyncio.sleep(gather / 2)
            elif await _happens(woken, self._poll):
                await asyncio.sleep(gather)


class _Complaint:
    """What is wrong is said once in a while, not ten times a second."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def due(self) -> bool:
        """Whether to say it now."""
        now = asyncio.get_running_loop().time()
        if now < self._silent_until:
            return False
        self._silent_until = now + REMIND
        return True


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event so long; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
