"""What travels with every change: whose data, who acts, and what caused it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from shared.contracts.actor import SYSTEM, Actor

DEFAULT_TENANT = "default"
"""The operator's own; on an installation of one tenant, everybody's."""

TENANT = "[a-z0-9][a-z0-9_-]{0,62}"
"""What the id of a tenant looks like, as a regular expression."""


@dataclass(frozen=True, slots=True)
class Context:
    """Tenant, actor and trace of one request, one consumed event or one sweep.

    ``correlation_id`` names the whole story, ``causation_id`` the event that led here,
    ``traceparent`` is W3C Trace Context.
    """

    tenant: str
    actor: Actor = SYSTEM
    correlation_id: str | None = None
    causation_id: UUID | None = None
    traceparent: str | None = None

    @property
    def trace_id(self) -> str | None:
        """The trace that all of it belongs to, if it names one."""
        _, _, named = (self.traceparent or "").partition("-")
        return named.partition("-")[0] or None

    def caused_by(self, event_id: UUID) -> Context:
        """The same story, one step on."""
        return replace(self, causation_id=event_id)
