"""Listeners: where transient messages end up in this process."""

from __future__ import annotations

import asyncio

import structlog

from shared.bus.ending import end
from shared.bus.port import Listener
from shared.contracts.envelope import Message

log = structlog.get_logger()

BACKLOG = 1000
"""Messages that may wait for a slow listener; what comes on top is dropped."""


class Listeners:
    """Calls each listener in order, on a task of its own, so that none slows another."""

    def __init__(self) -> None:
        self._backlogs: dict[str, list[asyncio.Queue[Message]]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def names(self) -> list[str]:
        """The event names somebody listens to."""
        return list(self._backlogs)

    def add(self, name: str, listener: Listener) -> None:
        """Call ``listener`` for each message of this name from now on."""
        backlog: asyncio.Queue[Message] = asyncio.Queue(BACKLOG)
        self._backlogs.setdefault(name, []).append(backlog)
        self._tasks.append(asyncio.create_task(_listen(backlog, listener), name=f"listen-{name}"))

    def tell(self, message: Message) -> None:
        """Hand a message to whoever listens; never waits."""
        for backlog in self._backlogs.get(message.name, ()):
            if backlog.full():
                log.warning("broadcast_dropped", event_name=message.name)
            else:
                backlog.put_nowait(message)

    async def close(self) -> None:
        """Stop listening."""
        await end(self._tasks)


async def _listen(backlog: asyncio.Queue[Message], listener: Listener) -> None:
    while True:
        message = await backlog.get()
        try:
            await listener(message)
        except Exception:
            log.exception("listener_failed", event_name=message.name)
