"""What survives each fault, taken away: a check that holds all the same checks nothing.

A mutation is put into every service of a site of its own. ``MUTATE=1`` judges the chosen faults
with theirs, and each of them must then *not* hold.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

Mutation = Mapping[str, Callable[[Any], Any]]
"""By ``package.module:Class.attribute``: what to put in the place of what is there."""

_NEVER = 3600.0


def _instead(does: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda _: does


def _constant(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


async def _every_message_is_new(_: Any, __: str, ___: str, ids: Collection[Any]) -> set[Any]:
    return set(ids)


async def _nothing(*_: Any, **__: Any) -> None:
    return None


async def _no_sizes(*_: Any) -> list[int]:
    return []


def _unconfirmed(publish: Callable[..., Any]) -> Callable[..., Any]:
    """Publish, and go on without waiting for the broker."""

    async def scatter(bus: Any, message: Any) -> None:
        import asyncio

        task = asyncio.ensure_future(publish(bus, message))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    return scatter


def _acknowledged(settle: Callable[..., Any]) -> Callable[..., Any]:
    """Whatever became of it."""

    async def forget(_: Any, held: Any, __: Any) -> None:
        await held.ack()

    return forget


def _made_once(_: Any) -> Callable[..., Any]:
    """The link's keeper: one connection, and no other when it is lost."""

    async def keep(link: Any) -> None:
        try:
            await link._live()
        except Exception as error:
            link._last_error = error
        link._tried.set()

    return keep


def _shared(line: type[Any]) -> Callable[..., Any]:
    """One connection to the broker for everything: who is asked for another gets the first."""

    class Line(line):
        def __init__(self, url: str, name: str, tend: Any, timing: Any) -> None:
            super().__init__(url, name, self._tend_all, timing)
            self.tends = [tend]

        async def _tend_all(self, connection: Any) -> None:
            for tend in reversed(self.tends):  # who consumes declares what the others publish to
                await tend(connection)

        async def open(self) -> None:
            if self._keeper is None:
                await super().open()

    lines: dict[int, Any] = {}

    def join(url: str, name: str, tend: Any, timing: Any) -> Any:
        if id(timing) in lines:
            lines[id(timing)].tends.append(tend)
        else:
            lines[id(timing)] = Line(url, name, tend, timing)
        return lines[id(timing)]

    return join


def _of_the_channel(attach: Callable[..., Any]) -> Callable[..., Any]:
    """Who handles what a channel brought is cancelled with it, as the client's own tasks are."""

    async def attached(consumer: Any, connection: Any) -> None:
        await attach(consumer, connection)

        def cancel(*_: Any) -> None:
            for task in list(consumer._workers._busy):
                task.cancel()

        consumer._channel.close_callbacks.add(cancel)

    return attached


def _shuffled(_: Any) -> Callable[..., Any]:
    return lambda some: random.sample(list(some), len(some))


def _given_up(_: Any) -> Callable[..., Any]:
    from services.converter.domain.retry import GiveUp

    return lambda failure, **_: GiveUp(failure)


async def _nothing_to_replay(_: Any, __: int, upto: int, ___: list[str]) -> int:
    return upto


_NO_KEYS: Mutation = {"shared.db.database:Tx.keep": _constant(lambda *_: None)}
_NO_INBOX: Mutation = {"shared.bus.inbox:enter": _instead(_every_message_is_new)}
_NO_CONFIRMS: Mutation = {"shared.bus.rabbit.bus:RabbitBus._publish": _unconfirmed}
_DEAF: Mutation = {
    "shared.bus.rabbit.bus:Timing": lambda made: partial(
        made, heartbeat=3600, reply=_NEVER, tend=_NEVER, watch=_NEVER
    ),
    "shared.bus.rabbit.consumer:Consumer._cancelled": _constant(lambda *_: None),
}
_NO_LOOK: Mutation = {
    "services.converter.upload:looks_like_iso_media": _constant(lambda _: True),
    "services.converter.intake:accept": _constant(lambda _: None),
    "services.converter.attempt:accept": _constant(lambda _: None),
}
_NO_503: Mutation = {"shared.web.problems:DATABASE_AWAY": _constant(())}

MUTATIONS: Mapping[str, Mutation] = {
    "F1": _NO_KEYS,
    "F2": _NO_INBOX,
    "F3": _NO_CONFIRMS,
    "F4": _DEAF,
    "F5": {"shared.bus.rabbit.connection:Link._keep": _made_once},
    "F6": _DEAF,
    "F7": _DEAF,
    "F8": {"shared.bus.rabbit.bus:Link": _shared},
    "F9": _NO_CONFIRMS,
    "F10": _NO_503,
    "F11": _NO_503,
    "F12": {"services.assignment.store.loading:sorted": _shuffled},
    "F13": _NO_KEYS,
    "F14": {"services.converter.leases:LEASE": _constant(timedelta(hours=1))},
    "F15": {"services.converter.worker:Worker._give_back": _instead(_nothing)},
    "F16": {"shared.bus.rabbit.consumer:Consumer._attach": _of_the_channel},
    "F17": {"services.converter.service:Workshop": lambda made: partial(made, wall_clock=_NEVER)},
    "F18": {"shared.bus.rabbit.consumer:Consumer._settle_one": _acknowledged},
    "F19": _NO_LOOK,
    "F20": {"services.converter.worker:after_failure": _given_up},
    "F21": {
        "services.gateway.incoming:IDLE_SECONDS": _constant(_NEVER),
        "services.converter.upload:_PATIENCE": _constant(_NEVER),
    },
    "F22": {"services.notifier.conversation:Conversation._replay": _instead(_nothing_to_replay)},
    "F23": _NO_INBOX,
    "F24": {
        "services.audit.copies:Copies.sizes": _instead(_no_sizes),
        "services.audit.copies:Copies.newest": _instead(_nothing),
    },
    "F25": {"shared.entrance.credentials:OUTAGE_SECONDS": _constant(5.0)},
}
"""By fault. Behind F19 stands the sandbox as well, whose own tests take away each of its parts."""
