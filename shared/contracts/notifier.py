"""What ``notifier`` tells its own replicas."""

from __future__ import annotations

from shared.contracts.event import Event


class EventsStored(Event):
    """New numbered events of a tenant can be read; replicas fetch them by offset."""

    name = "notifier.events.stored"
    subject = "tenant"
    transient = True

    tenant: str
    offset: int
