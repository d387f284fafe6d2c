"""What ``notifier`` tells its own replicas, and how it refuses a listener."""

from __future__ import annotations

from shared.contracts.event import Event
from shared.contracts.refusal import Refusal


class EventsStored(Event):
    """New numbered events of a tenant can be read; replicas fetch them by offset."""

    name = "notifier.events.stored"
    subject = "tenant"
    transient = True

    tenant: str
    offset: int


CROWDED_SECONDS = 60
"""When whoever has too many WebSockets open may try again."""


class TooManySockets(Refusal):
    """Somebody, or their tenant, has as many WebSockets open as the operator allows."""

    code = "too_many_sockets"
    status = 429
    title = "Too many WebSockets"
