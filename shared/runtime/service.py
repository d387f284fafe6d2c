"""A service, as its parts; and the runtime that its parts are built from."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from shared.blobs.port import Blobs
from shared.blobs.signing import MediaSigner
from shared.bus.port import Bus, Listener, Subscription
from shared.contracts.event import Event
from shared.db import Database
from shared.runtime.ids import NewId
from shared.runtime.keys import Keys
from shared.runtime.settings import RuntimeSettings
from shared.web import Check, Routes
from shared.web.actor import ActorSeal

Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Loop:
    """Something that runs for ever; the runner starts it again, later and later, if it fails."""

    name: str
    run: Hook


@dataclass(frozen=True, slots=True)
class Service:
    """What a service answers, consumes and does on its own; the runner gives it life.

    Stopping runs backwards: no more requests, no more deliveries, loops cancelled, ``on_stop``.
    """

    name: str
    routes: Sequence[Routes] = ()
    subscriptions: Sequence[Subscription] = ()
    listeners: Mapping[type[Event], Listener] = field(default_factory=dict)
    loops: Sequence[Loop] = ()
    checks: Sequence[Check] = ()
    on_start: Sequence[Hook] = ()
    on_stop: Sequence[Hook] = ()

    @property
    def keeps_answers(self) -> bool:
        """Whether any of its routes honours an Idempotency-Key; its schema then has the table."""
        return any(route.idempotent for group in self.routes for route in group.declared)


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts a process was given; the same factories build every service from them.

    ``sole_process`` is true when no other process shares the database and the bus: whatever a
    predecessor left is then nobody's. ``work_dir`` is local scratch space. ``peers`` are the base
    URLs of the services that the gateway routes to, ``nearby`` the servers of those that run in
    this process; both are complete once all services listen.
    """

    settings: RuntimeSettings
    keys: Keys
    new_id: NewId
    bus: Bus
    blobs: Blobs
    databases: Mapping[str, Database]
    peers: Mapping[str, str]
    sole_process: bool
    work_dir: Path
    nearby: dict[str, web.Server] = field(default_factory=dict)

    @property
    def media_signer(self) -> MediaSigner:
        """Signs media URLs, and checks them: the same in every process."""
        return MediaSigner(self.keys.derive("media-url"), time.time)

    @property
    def actor_seal(self) -> ActorSeal:
        """Seals who is asking, between the gateway and the services."""
        return ActorSeal(self.keys.derive("internal-actor"), time.time)

    def database(self, schema: str) -> Database:
        """The database seen as one service. Raises KeyError if this process does not run it."""
        return self.databases[schema]
