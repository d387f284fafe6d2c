"""An entry of the trail: what was done, by whom, to what, when, and its place in the chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.contracts.actor import Actor
from shared.contracts.envelope import rfc3339

Action = Literal[
    "assigned",
    "bulk_assigned",
    "bulk_attempt_failed",
    "undone",
    "reverted",
    "conversion_status_changed",
    "retried",
    "asset_uploaded",
    "asset_deleted",
    "asset_restored",
    "user_created",
    "user_changed",
    "api_key_created",
    "api_key_deleted",
    "hold_placed",
    "hold_released",
    "entries_archived",
    "restore_acknowledged",
    "tenant_created",
    "tenant_changed",
    "message_replayed",
    "state_resynced",
    "fault_repaired",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an event says was done; people and assets by id only, so that names can be erased."""

    tenant: str
    event_id: UUID
    event_type: str
    action: Action
    actor: Actor
    performed_at: datetime
    user_id: UUID | None = None
    asset_id: UUID | None = None
    previous_asset_id: UUID | None = None
    assignment_id: UUID | None = None
    operation_id: UUID | None = None
    reason: str | None = None
    metadata: Any = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed in the trail; ``seq`` counts the tenant's entries from 1 without a gap."""

    id: UUID
    seq: int
    recorded_at: datetime
    deed: Deed

    def columns(self) -> dict[str, Any]:
        """Every column of ``assignment_history``: what is stored."""
        deed = self.deed
        return {
            "tenant_id": deed.tenant,
            "seq": self.seq,
            "id": self.id,
            "event_id": deed.event_id,
            "event_type": deed.event_type,
            "action": deed.action,
            "actor": str(deed.actor),
            "performed_by": deed.actor.principal,
            "performed_at": deed.performed_at,
            "recorded_at": self.recorded_at,
            "user_id": deed.user_id,
            "asset_id": deed.asset_id,
            "previous_asset_id": deed.previous_asset_id,
            "assignment_id": deed.assignment_id,
            "operation_id": deed.operation_id,
            "reason": deed.reason,
            "metadata": deed.metadata,
        }


def as_json(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an entry as JSON: what is hashed."""
    return {name: _plain(value) for name, value in columns.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return rfc3339(value) if isinstance(value, datetime) else value
