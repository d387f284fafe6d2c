"""Which deeds an event tells of, if any: ``DEEDS`` has a line for each event that is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.audit.domain.entry import Action, Deed
from shared.contracts.assignment import (
    AssetAssigned,
    AssetReverted,
    AssetUnassigned,
    Chunk,
    OperationCompleted,
    OperationFailed,
    OperationUndone,
)
from shared.contracts.chunks import singly
from shared.contracts.converter import (
    AssetDeleted,
    AssetRestored,
    AssetStatusChanged,
    AssetUploaded,
)
from shared.contracts.envelope import Envelope
from shared.contracts.event import Event
from shared.contracts.identity import (
    ApiKeyCreated,
    ApiKeyDeleted,
    TenantChanged,
    TenantCreated,
    UserChanged,
    UserCreated,
)
from shared.contracts.maintenance import MAINTENANCE, Maintenance

_NAMED = (
    "user_id",
    "asset_id",
    "previous_asset_id",
    "assignment_id",
    "operation_id",
    "reason",
)
"""Fields of events that are columns of the trail under the same name."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What is done by whom an event tells of; ``details`` is what no column has.

    No details may be a name, an address or anything else that somebody may want to be forgotten.
    """

    action: Action | Callable[[Any], Action]
    details: Callable[[Any], dict[str, Any] | None] = lambda _: None
    unless: Callable[[Any], bool] = lambda _: False
    otherwise: Callable[[Any], dict[str, Any]] = lambda _: {}
    """Columns that are not told under their own names."""


def _fields(*names: str) -> Callable[[Event], dict[str, Any]]:
    return lambda event: event.model_dump(mode="json", include=set(names))


def _restoration(event: AssetUnassigned | AssetReverted) -> dict[str, str | None]:
    restored = event.restored_asset_id
    return {
        "restored_asset_id": None if restored is None else str(restored),
        "restore_refused": event.restore_refused,
    }


def _extent(event: OperationCompleted) -> dict[str, Any]:
    return _fields("user_count", "unchanged_count")(event) | _retried(event)


def _failure(event: OperationFailed) -> dict[str, Any]:
    return _fields("user_count", "failed_count", "error")(event) | _retried(event)


def _retried(event: OperationCompleted | OperationFailed) -> dict[str, str]:
    return {"retries": str(event.retries)} if event.retries else {}


def _undone(event: OperationUndone) -> dict[str, Any]:
    return {"user_count": event.user_count, "undone_operation_id": str(event.operation_id)}


def _undoing(event: OperationUndone) -> dict[str, Any]:
    action: Action = "undone" if event.cause == "undo" else "reverted"
    return {"action": action, "operation_id": event.by_operation_id}


def _original(event: AssetUnassigned) -> dict[str, Any]:
    return {"assignment_id": event.original_id or event.assignment_id}


def _transition(event: AssetStatusChanged) -> dict[str, str]:
    outcome = {"error": event.error, "error_code": event.error_code}
    return {
        "old_status": event.previous_status,
        "new_status": event.status,
        **{name: text for name, text in outcome.items() if text is not None},
    }


def _kept_well(event: Maintenance) -> Action:
    return event.kind


def _upkeep(event: Maintenance) -> dict[str, Any]:
    names = {"count", "queue", "consumer", "finding", "event_id"}
    return event.model_dump(mode="json", include=names, exclude_none=True)


def _step(event: AssetStatusChanged) -> Action:
    """Only a person's retry leads out of ``failed``."""
    return "retried" if event.previous_status == "failed" else "conversion_status_changed"


DEEDS: Mapping[type[Event], _Told] = {
    # An undo that gives a user back what they had before is one deed, told by the unassignment;
    # the assignment it restores is told of too, and is no deed of its own.
    AssetAssigned: _Told("assigned", unless=lambda event: event.restored_from is not None),
    AssetUnassigned: _Told(
        "undone", _restoration, lambda event: event.cause != "undo", otherwise=_original
    ),
    AssetReverted: _Told("reverted", _restoration),
    # Operations on many users have an entry of their own; one on a single user is that user's.
    OperationCompleted: _Told("bulk_assigned", _extent, lambda event: event.kind != "bulk_assign"),
    OperationFailed: _Told("bulk_attempt_failed", _failure),
    OperationUndone: _Told("undone", _undone, lambda event: not event.bulk, otherwise=_undoing),
    AssetStatusChanged: _Told(_step, _transition),
    AssetUploaded: _Told("asset_uploaded", _fields("size_bytes", "sha256")),
    AssetDeleted: _Told("asset_deleted", _fields()),
    AssetRestored: _Told("asset_restored", _fields()),
    UserCreated: _Told("user_created", _fields("role", "disabled")),
    UserChanged: _Told("user_changed", _fields("changed", "role", "disabled")),
    ApiKeyCreated: _Told("api_key_created", _fields("key_id", "prefix", "role")),
    ApiKeyDeleted: _Told("api_key_deleted", _fields("key_id", "prefix", "role")),
    TenantCreated: _Told("tenant_created", _fields("tenant")),
    TenantChanged: _Told("tenant_changed", _fields("tenant", "changed", "disabled")),
    **dict.fromkeys(MAINTENANCE, _Told(_kept_well, _upkeep)),
}
"""Every event that is a deed; whoever did it, and when, is in its envelope."""


def deed_of(envelope: Envelope[Event]) -> Deed | None:
    """The deed an event tells of, or None."""
    event, context = envelope.event, envelope.context
    told = DEEDS.get(type(event))
    if told is None or told.unless(event):
        return None
    action = told.action(event) if callable(told.action) else told.action
    named: dict[str, Any] = {name: getattr(event, name, None) for name in _NAMED}
    return Deed(
        tenant=context.tenant,
        event_id=envelope.id,
        event_type=event.type(),
        actor=context.actor,
        performed_at=envelope.time,
        metadata=told.details(event),
        **{"action": action, **named, **told.otherwise(event)},
    )


def deeds_of(envelope: Envelope[Event]) -> list[Deed]:
    """The deeds an event tells of: of a chunk one for each user, marked as part of a ``bulk``.

    What they are parts of has an entry of its own, without a user and with their number.
    """
    deeds = [deed for each in singly(envelope) if (deed := deed_of(each))]
    if isinstance(envelope.event, Chunk):
        return [_in_bulk(deed) for deed in deeds]
    return deeds


def _in_bulk(deed: Deed) -> Deed:
    action: Action = "bulk_assigned" if deed.action == "assigned" else deed.action
    return replace(deed, action=action, metadata={**(deed.metadata or {}), "bulk": True})
