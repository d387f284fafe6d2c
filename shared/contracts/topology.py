"""Every exchange, queue and binding, in one table.

All of it is declared by every process before it publishes anything: a topic exchange forgets
whoever binds late.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts import assignment, converter, identity
from shared.contracts.event import Event
from shared.contracts.maintenance import MAINTENANCE

EXCHANGE = "marquee.events"

RETRY_DELAYS = (5, 30, 120, 600)
"""Seconds between the attempts of an event handler; after the last the message is parked."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue and the events it receives; what it cannot handle is parked beside it.

    ``restated`` come only when somebody asks their owner to tell again what is so.
    """

    name: str
    events: tuple[type[Event], ...]
    restated: tuple[type[Event], ...] = ()

    @property
    def parked(self) -> str:
        """The queue that keeps what this one gave up on."""
        return f"{self.name}.parked"

    @property
    def accepted(self) -> tuple[type[Event], ...]:
        """Every kind of event that its consumer handles."""
        return tuple(dict.fromkeys((*self.events, *self.restated)))

    @property
    def bindings(self) -> tuple[str, ...]:
        """Routing keys: the events, and the queue's own name for what is meant for it alone."""
        return (*(event.name for event in self.events), self.name)


CONVERTER_TICKETS = Queue("converter.tickets", (converter.TicketIssued,))

CONVERTER_FACTS = Queue(
    "converter.facts",
    (
        identity.UserCreated,
        identity.UserChanged,
        assignment.AssetStateChanged,
        assignment.AssetWithdrawn,
    ),
    restated=(identity.UserRestated,),
)

ASSIGNMENT_FACTS = Queue(
    "assignment.facts",
    (
        identity.UserCreated,
        identity.UserChanged,
        converter.AssetUploaded,
        converter.AssetStatusChanged,
        converter.AssetDeleted,
        converter.AssetRestored,
    ),
    restated=(identity.UserRestated, converter.AssetRestated),
)

AUDIT_TRAIL = Queue(
    "audit.trail",
    (
        identity.UserCreated,
        identity.UserChanged,
        identity.ApiKeyCreated,
        identity.ApiKeyDeleted,
        identity.TenantCreated,
        identity.TenantChanged,
        converter.AssetUploaded,
        converter.AssetStatusChanged,
        converter.AssetDeleted,
        converter.AssetRestored,
        converter.RenditionReady,
        assignment.AssetAssigned,
        assignment.AssetUnassigned,
        assignment.AssetReverted,
        assignment.AssetBulkAssigned,
        assignment.AssetBulkTakenBack,
        assignment.OperationCompleted,
        assignment.OperationFailed,
        assignment.OperationUndone,
        *MAINTENANCE,
    ),
    restated=(identity.UserRestated, converter.AssetRestated),
)

NOTIFIER_STORE = Queue(
    "notifier.store",
    (
        converter.AssetUploaded,
        converter.AssetStatusChanged,
        converter.AssetDeleted,
        converter.AssetRestored,
        converter.RenditionReady,
        assignment.AssetAssigned,
        assignment.AssetUnassigned,
        assignment.AssetBulkAssigned,
        assignment.AssetBulkTakenBack,
        assignment.OperationCompleted,
        assignment.OperationFailed,
        assignment.OperationUndone,
    ),
)

QUEUES = (CONVERTER_TICKETS, CONVERTER_FACTS, ASSIGNMENT_FACTS, AUDIT_TRAIL, NOTIFIER_STORE)

COPIES = {"assignment": ASSIGNMENT_FACTS, "audit": AUDIT_TRAIL, "converter": CONVERTER_FACTS}
"""Who keeps copies of what others own, and where it hears of that."""


def queues_of(service: str) -> tuple[Queue, ...]:
    """The queues that a service consumes."""
    return tuple(queue for queue in QUEUES if queue.name.startswith(f"{service}."))
