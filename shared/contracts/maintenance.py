"""What administrators do to keep the installation well; each service tells of it itself."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from shared.contracts.event import Event

MaintenanceKind = Literal["message_replayed", "state_resynced", "fault_repaired"]


class Maintenance(Event):
    """An administrator had a service put something right.

    ``event_id`` is the parked message that was replayed to ``queue``, ``consumer`` who was told
    the state again, ``finding`` the code of the fault that was repaired, and ``count`` how much it
    concerned.
    """

    subject = "maintenance_id"

    maintenance_id: UUID
    kind: MaintenanceKind
    count: int = 1
    queue: str | None = None
    event_id: UUID | None = None
    consumer: str | None = None
    finding: str | None = None


class IdentityMaintained(Maintenance):
    """Done by ``identity``."""

    name = "identity.maintenance.performed"


class ConverterMaintained(Maintenance):
    """Done by ``converter``."""

    name = "converter.maintenance.performed"


class AssignmentMaintained(Maintenance):
    """Done by ``assignment``."""

    name = "assignment.maintenance.performed"


class AuditMaintained(Maintenance):
    """Done by ``audit``."""

    name = "audit.maintenance.performed"


class NotifierMaintained(Maintenance):
    """Done by ``notifier``."""

    name = "notifier.maintenance.performed"


MAINTENANCE: tuple[type[Maintenance], ...] = (
    IdentityMaintained,
    ConverterMaintained,
    AssignmentMaintained,
    AuditMaintained,
    NotifierMaintained,
)
"""An event for each service that can be maintained."""
