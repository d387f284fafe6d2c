"""Which events become entries, and that everything they tell is in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.audit.domain.mapping import DEEDS, deed_of, deeds_of
from shared.contracts.actor import SYSTEM, Actor
from shared.contracts.assignment import (
    AssetAssigned,
    AssetBulkAssigned,
    AssetBulkTakenBack,
    AssetReverted,
    AssetUnassigned,
    OperationCompleted,
    OperationFailed,
    OperationUndone,
)
from shared.contracts.context import Context
from shared.contracts.converter import (
    AssetDeleted,
    AssetRestored,
    AssetStatusChanged,
    AssetUploaded,
    RenditionReady,
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
from shared.contracts.maintenance import MAINTENANCE, Maintenance, MaintenanceKind
from shared.contracts.topology import AUDIT_TRAIL

NOON = datetime(2026, 5, 4, 12, 0, 0, 250, tzinfo=UTC)
ADMIN, USER, ASSET, OTHER, ASSIGNMENT, OPERATION = (uuid4() for _ in range(6))

ASSIGNED = AssetAssigned(
    assignment_id=ASSIGNMENT,
    operation_id=OPERATION,
    asset_id=ASSET,
    user_id=USER,
    previous_asset_id=OTHER,
    undo_expires_at=NOON,
)
UNASSIGNED = AssetUnassigned(
    assignment_id=ASSIGNMENT,
    operation_id=OPERATION,
    asset_id=ASSET,
    user_id=USER,
    previous_asset_id=OTHER,
    restored_asset_id=OTHER,
)
REVERTED = AssetReverted(
    assignment_id=ASSIGNMENT,
    operation_id=OPERATION,
    asset_id=ASSET,
    user_id=USER,
    previous_asset_id=OTHER,
    restored_asset_id=OTHER,
    reason="the wrong film",
)
IN_BULK = AssetBulkAssigned(operation_id=OPERATION, asset_id=ASSET, assigned=(ASSIGNED,))
TAKEN_BACK_IN_BULK = AssetBulkTakenBack(
    operation_id=OPERATION,
    asset_id=ASSET,
    unassigned=(UNASSIGNED,),
    assigned=(ASSIGNED.model_copy(update={"restored_from": ASSIGNMENT}),),
)
DONE = OperationCompleted(
    operation_id=OPERATION, kind="bulk_assign", user_count=7, asset_id=ASSET, unchanged_count=2
)
FAILED = OperationFailed(
    operation_id=OPERATION,
    kind="bulk_assign",
    asset_id=ASSET,
    user_count=9,
    failed_count=1,
    error="user_not_found",
    retries=ASSIGNMENT,
)
UNDONE = OperationUndone(
    operation_id=OPERATION,
    kind="bulk_assign",
    user_count=7,
    asset_id=ASSET,
    by_operation_id=ASSIGNMENT,
    bulk=True,
)
UPLOADED = AssetUploaded(
    asset_id=ASSET, title="Waves", filename="waves.mp4", size_bytes=9, sha256="ab", version=1
)
CREATED = UserCreated(
    user_id=USER,
    email="kim@example.com",
    display_name="Kim",
    role="user",
    disabled=False,
    version=1,
    created_at=NOON,
)
CHANGED = UserChanged(
    user_id=USER,
    email="kim@example.com",
    display_name="Kim",
    role="admin",
    disabled=False,
    changed=["role"],
    version=2,
)
KEY_CREATED = ApiKeyCreated(key_id=OTHER, prefix="mq_abcdef", role="user", expires_at=None)
KEY_DELETED = ApiKeyDeleted(key_id=OTHER, prefix="mq_abcdef", role="user")
TENANT_CREATED = TenantCreated(
    tenant="acme", display_name="Acme", created_at=datetime(2026, 3, 1, tzinfo=UTC)
)
TENANT_CHANGED = TenantChanged(
    tenant="acme", display_name="Acme", disabled=True, changed=["disabled"]
)
RENDERED = RenditionReady(asset_id=ASSET, rendition="thumbnail", object_key="t/r/a/1/thumbnail.jpg")


DELETED = AssetDeleted(asset_id=ASSET, version=9)
RESTORED = AssetRestored(asset_id=ASSET, version=10)


def changed(status: str, **more: object) -> AssetStatusChanged:
    """The conversion moved on to ``status``."""
    fields = {"asset_id": ASSET, "status": status, "previous_status": "processing", "version": 3}
    return AssetStatusChanged.model_validate(fields | more)


def told(event: Event, actor: Actor = Actor("user", ADMIN)) -> Envelope[Event]:  # noqa: B008
    """An event as it arrives."""
    return Envelope(uuid4(), NOON, Context("default", actor), event)


def test_an_assignment_is_told_with_who_what_and_when() -> None:
    envelope = told(ASSIGNED)
    deed = deed_of(envelope)
    assert deed is not None
    assert deed.action == "assigned"
    assert (deed.actor, deed.performed_at) == (Actor("user", ADMIN), NOON)
    assert (deed.user_id, deed.asset_id, deed.previous_asset_id) == (USER, ASSET, OTHER)
    assert (deed.assignment_id, deed.operation_id) == (ASSIGNMENT, OPERATION)
    assert (deed.tenant, deed.event_id, deed.event_type) == (
        "default",
        envelope.id,
        "assignment.asset.assigned.v1",
    )


def test_what_an_undo_brings_back_is_no_deed_of_its_own() -> None:
    restored = ASSIGNED.model_copy(update={"restored_from": uuid4()})
    assert deed_of(told(restored)) is None


@pytest.mark.parametrize(
    ("restored", "refused"), [(OTHER, None), (None, None), (None, "asset_deleted")]
)
def test_an_undo_is_exactly_one_deed_that_says_what_came_back(
    restored: UUID | None, refused: str | None
) -> None:
    update = {"restored_asset_id": restored, "restore_refused": refused}
    deed = deed_of(told(UNASSIGNED.model_copy(update=update)))
    assert deed is not None
    assert deed.action == "undone"
    assert (deed.user_id, deed.asset_id, deed.assignment_id) == (USER, ASSET, ASSIGNMENT)
    assert deed.metadata == {
        "restored_asset_id": str(restored) if restored else None,
        "restore_refused": refused,
    }


def test_a_conversion_is_told_with_its_old_and_new_status() -> None:
    deed = deed_of(told(changed("completed"), SYSTEM))
    assert deed is not None
    assert (deed.action, deed.asset_id, deed.user_id) == ("conversion_status_changed", ASSET, None)
    assert deed.actor == SYSTEM
    assert deed.metadata == {"old_status": "processing", "new_status": "completed"}


def test_a_retry_is_told_with_who_ordered_it() -> None:
    deed = deed_of(told(changed("pending", previous_status="failed")))
    assert deed is not None
    assert (deed.action, deed.asset_id, deed.actor) == ("retried", ASSET, Actor("user", ADMIN))
    assert deed.metadata == {"old_status": "failed", "new_status": "pending"}


def test_a_deletion_is_told_with_who_did_it() -> None:
    deed = deed_of(told(DELETED))
    assert deed is not None
    assert (deed.action, deed.asset_id, deed.user_id) == ("asset_deleted", ASSET, None)
    assert deed.actor == Actor("user", ADMIN)


def test_a_failed_conversion_is_told_with_its_error() -> None:
    deed = deed_of(told(changed("failed", error="No video.", error_code="no_video")))
    assert deed is not None
    assert deed.metadata == {
        "old_status": "processing",
        "new_status": "failed",
        "error": "No video.",
        "error_code": "no_video",
    }


def test_an_upload_is_told_with_the_digest_of_its_bytes() -> None:
    deed = deed_of(told(UPLOADED))
    assert deed is not None
    assert (deed.action, deed.asset_id) == ("asset_uploaded", ASSET)
    assert deed.metadata == {"size_bytes": 9, "sha256": "ab"}


def test_a_new_user_is_told_without_his_name_or_address() -> None:
    deed = deed_of(told(CREATED))
    assert deed is not None
    assert (deed.action, deed.user_id, deed.asset_id) == ("user_created", USER, None)
    assert deed.metadata == {"role": "user", "disabled": False}
    assert "Kim" not in repr(deed)
    assert "kim@" not in repr(deed)


def test_a_changed_user_is_told_with_what_changed_but_not_what_they_are_called() -> None:
    deed = deed_of(told(CHANGED))
    assert deed is not None
    assert (deed.action, deed.user_id) == ("user_changed", USER)
    assert deed.metadata == {"changed": ["role"], "role": "admin", "disabled": False}
    assert "kim" not in repr(deed).lower()


@pytest.mark.parametrize(
    ("event", "action"), [(KEY_CREATED, "api_key_created"), (KEY_DELETED, "api_key_deleted")]
)
def test_an_api_key_is_told_by_how_it_begins(event: Event, action: str) -> None:
    deed = deed_of(told(event))
    assert deed is not None
    assert (deed.action, deed.user_id, deed.asset_id) == (action, None, None)
    assert deed.metadata == {"key_id": str(OTHER), "prefix": "mq_abcdef", "role": "user"}


def test_a_revert_is_told_with_its_reason() -> None:
    deed = deed_of(told(REVERTED))
    assert deed is not None
    assert (deed.action, deed.user_id, deed.assignment_id) == ("reverted", USER, ASSIGNMENT)
    assert deed.reason == "the wrong film"
    assert deed.metadata == {"restored_asset_id": str(OTHER), "restore_refused": None}


def test_what_a_revert_ends_is_no_deed_of_its_own() -> None:
    ended = UNASSIGNED.model_copy(update={"cause": "revert"})
    assert deed_of(told(ended)) is None


def test_an_undo_is_of_the_assignment_that_was_told_of() -> None:
    first = uuid4()
    deed = deed_of(told(UNASSIGNED.model_copy(update={"original_id": first})))
    assert deed is not None
    assert deed.assignment_id == first


def test_a_bulk_is_one_deed_with_its_count_and_one_for_each_user() -> None:
    header, [row] = deed_of(told(DONE)), deeds_of(told(IN_BULK))
    assert header is not None
    assert (header.action, header.user_id, header.asset_id) == ("bulk_assigned", None, ASSET)
    assert header.metadata == {"user_count": 7, "unchanged_count": 2}
    assert (row.action, row.user_id, row.assignment_id) == ("bulk_assigned", USER, ASSIGNMENT)
    assert (row.operation_id, row.metadata) == (header.operation_id, {"bulk": True})


def test_the_parts_of_a_chunk_have_ids_that_stay_the_same() -> None:
    envelope = told(IN_BULK)
    [first], [again], [other] = deeds_of(envelope), deeds_of(envelope), deeds_of(told(IN_BULK))
    assert first.event_id == again.event_id
    assert first.event_id not in (envelope.id, other.event_id)


def test_undoing_a_bulk_is_one_deed_with_its_count_and_one_for_each_user() -> None:
    header, [row] = deed_of(told(UNDONE)), deeds_of(told(TAKEN_BACK_IN_BULK))
    assert header is not None
    assert (header.action, header.user_id, header.operation_id) == ("undone", None, ASSIGNMENT)
    assert header.metadata == {"user_count": 7, "undone_operation_id": str(OPERATION)}
    assert (row.action, row.user_id) == ("undone", USER)
    assert row.metadata["bulk"] is True
    assert deeds_of(told(UNDONE.model_copy(update={"bulk": False}))) == []


def test_a_bulk_that_failed_is_one_deed() -> None:
    deed = deed_of(told(FAILED))
    assert deed is not None
    assert (deed.action, deed.user_id, deed.asset_id) == ("bulk_attempt_failed", None, ASSET)
    assert deed.metadata == {
        "user_count": 9,
        "failed_count": 1,
        "error": "user_not_found",
        "retries": str(ASSIGNMENT),
    }


def test_a_restored_asset_is_a_deed() -> None:
    deed = deed_of(told(RESTORED))
    assert deed is not None
    assert (deed.action, deed.asset_id, deed.metadata) == ("asset_restored", ASSET, {})


def test_an_assignment_of_one_user_has_no_entry_besides() -> None:
    assert deed_of(told(DONE.model_copy(update={"kind": "assign"}))) is None


@pytest.mark.parametrize(
    ("event", "action", "details"),
    [
        (TENANT_CREATED, "tenant_created", {"tenant": "acme"}),
        (
            TENANT_CHANGED,
            "tenant_changed",
            {"tenant": "acme", "changed": ["disabled"], "disabled": True},
        ),
    ],
)
def test_what_becomes_of_tenants_is_recorded(event: Any, action: str, details: Any) -> None:
    deed = deed_of(told(event))
    assert deed is not None
    assert (deed.action, deed.metadata) == (action, details)


@pytest.mark.parametrize("kind", ["message_replayed", "state_resynced", "fault_repaired"])
@pytest.mark.parametrize("event", MAINTENANCE, ids=lambda event: event.name)
def test_what_keeps_the_installation_well_is_a_deed(
    event: type[Maintenance], kind: MaintenanceKind
) -> None:
    deed = deed_of(told(event(maintenance_id=OPERATION, kind=kind, queue="audit.trail", count=3)))
    assert deed is not None
    assert (deed.action, deed.user_id, deed.asset_id) == (kind, None, None)
    assert deed.metadata == {"count": 3, "queue": "audit.trail"}


def test_a_rendition_is_no_deed() -> None:
    assert deed_of(told(RENDERED)) is None


def test_every_event_of_the_queue_is_known_here() -> None:
    of_users = (ASSIGNED, UNASSIGNED, REVERTED, IN_BULK, TAKEN_BACK_IN_BULK)
    of_operations = (DONE, FAILED, UNDONE)
    of_assets = (UPLOADED, RENDERED, DELETED, RESTORED, changed("completed"))
    of_people = (CREATED, CHANGED, KEY_CREATED, KEY_DELETED)
    of_tenants = (TENANT_CREATED, TENANT_CHANGED)
    known = (*of_users, *of_operations, *of_assets, *of_people, *of_tenants)
    told_of = {type(event) for event in known} | set(MAINTENANCE)
    assert told_of == set(AUDIT_TRAIL.events)


def test_every_deed_is_listened_to() -> None:
    assert set(DEEDS) <= set(AUDIT_TRAIL.events)
