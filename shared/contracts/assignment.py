"""What ``assignment`` publishes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.event import Event

OperationKind = Literal["assign", "bulk_assign", "undo", "revert"]

MOST_IN_ONE = 500
"""How many facts of one kind a single message about many users holds."""


class AssetAssigned(Event):
    """A user has an asset from now on.

    ``restored_from`` names the earlier assignment that an undo or a revert brought back; such an
    assignment has no undo window of its own.
    """

    name = "assignment.asset.assigned"
    subject = "asset_id"

    assignment_id: UUID
    operation_id: UUID
    asset_id: UUID
    user_id: UUID
    previous_asset_id: UUID | None
    undo_expires_at: datetime | None
    restored_from: UUID | None = None


class AssetUnassigned(Event):
    """An asset was taken from a user; ``restored_asset_id`` is what the user has instead.

    ``cause`` says by what. Where an undo ends an assignment that another undo had brought back,
    ``original_id`` names the one it stood for.
    """

    name = "assignment.asset.unassigned"
    subject = "asset_id"

    assignment_id: UUID
    operation_id: UUID
    asset_id: UUID
    user_id: UUID
    previous_asset_id: UUID | None
    undo_expires_at: datetime | None = None
    restored_asset_id: UUID | None = None
    restore_refused: str | None = None
    cause: Literal["undo", "revert"] = "undo"
    original_id: UUID | None = None


class AssetReverted(Event):
    """An assignment was taken back after its undo window; the user has again what was before it.

    It may have ended long ago. ``restored_asset_id`` is what the user has from now on; what they
    are told of as theirs is in an ``AssetAssigned`` of the same operation, or ``AssetUnassigned``.
    """

    name = "assignment.asset.reverted"
    subject = "asset_id"

    assignment_id: UUID
    operation_id: UUID
    asset_id: UUID
    user_id: UUID
    previous_asset_id: UUID | None
    restored_asset_id: UUID | None = None
    restore_refused: str | None = None
    reason: str | None = None


class Chunk(Event):
    """Facts about many users of one operation in one message, at most ``MOST_IN_ONE`` of a kind.

    Each of ``facts()`` is as true as if it had been published alone.
    """

    operation_id: UUID
    asset_id: UUID
    assigned: tuple[AssetAssigned, ...] = ()

    def facts(self) -> tuple[AssetAssigned | AssetUnassigned | AssetReverted, ...]:
        """The single facts, in the order in which they are to be told."""
        return self.assigned


class AssetBulkAssigned(Chunk):
    """Some of the users of a bulk assignment have its asset from now on."""

    name = "assignment.asset.bulk_assigned"
    subject = "asset_id"


class AssetBulkTakenBack(Chunk):
    """An operation on many users was undone or reverted, for some of them."""

    name = "assignment.asset.bulk_taken_back"
    subject = "asset_id"

    unassigned: tuple[AssetUnassigned, ...] = ()
    reverted: tuple[AssetReverted, ...] = ()

    def facts(self) -> tuple[AssetAssigned | AssetUnassigned | AssetReverted, ...]:
        """The ends before the beginnings."""
        return (*self.unassigned, *self.reverted, *self.assigned)


class AssetStateChanged(Event):
    """Who has an asset, computed once from all its assignments; older versions are ignored."""

    name = "assignment.asset.state_changed"
    subject = "asset_id"

    asset_id: UUID
    user_id: UUID | None
    assigned_at: datetime | None
    assigned_by: UUID | None
    active_assignment_count: int
    version: int


class AssetWithdrawn(Event):
    """Nobody has an asset, and nobody will be given it: its owner may delete it.

    ``asset_version`` is that of the last deletion or restoration that was heard of: one that was
    restored later is not meant.
    """

    name = "assignment.asset.withdrawn"
    subject = "asset_id"

    asset_id: UUID
    asset_version: int = 0


class OperationCompleted(Event):
    """One thing an administrator did is done, whole.

    ``unchanged_count`` counts the users of a bulk assignment who had the asset already;
    ``retries`` names the failed attempt that it repeats.
    """

    name = "assignment.operation.completed"
    subject = "operation_id"

    operation_id: UUID
    kind: OperationKind
    user_count: int
    asset_id: UUID | None = None
    unchanged_count: int = 0
    retries: UUID | None = None


class OperationFailed(Event):
    """An operation was attempted and changed nothing; ``error`` is the code of the first reason.

    ``user_count`` is how many users were asked for, ``failed_count`` how many stood against it.
    """

    name = "assignment.operation.failed"
    subject = "operation_id"

    operation_id: UUID
    kind: OperationKind
    asset_id: UUID
    user_count: int
    failed_count: int
    error: str
    retries: UUID | None = None


class OperationUndone(Event):
    """An operation was taken back; ``kind`` is the kind of what was undone.

    ``cause`` tells an undo, within the window, from a revert after it; ``by_operation_id`` is the
    operation that took it back. If ``bulk``, what it did to each user comes in chunks.
    """

    name = "assignment.operation.undone"
    subject = "operation_id"

    operation_id: UUID
    kind: OperationKind
    user_count: int
    asset_id: UUID | None = None
    cause: Literal["undo", "revert"] = "undo"
    by_operation_id: UUID | None = None
    reason: str | None = None
    bulk: bool = False
