"""What this service says no to, by name."""

from __future__ import annotations

from shared.contracts.refusal import Refusal

PATIENCE_FOR_CONVERSION = 0.3
PATIENCE_FOR_RESTORATION = 0.3
"""Seconds in which word of what was just answered elsewhere arrives."""


class AssetNotCompleted(Refusal):
    """Only an asset whose conversion is completed can be assigned."""

    code = "asset_not_completed"
    title = "The asset is not ready"


class UserDisabled(Refusal):
    """A disabled user is given nothing."""

    code = "user_disabled"
    title = "The user is disabled"


class NothingToUndo(Refusal):
    """No such operation on this asset, or it was taken back already."""

    code = "nothing_to_undo"
    status = 404
    title = "Nothing to undo"


class UndoWindowExpired(Refusal):
    """The operation is too old to be undone."""

    code = "undo_window_expired"
    title = "The undo window has expired"


class ChangedSince(Refusal):
    """Every user of the operation has been given something else since."""

    code = "changed_since"
    status = 409
    title = "Changed since"


class BulkRefused(Refusal):
    """A user of the bulk assignment cannot be given the asset, so nobody is."""

    code = "bulk_refused"
    title = "Nothing was assigned"


class BulkAbandoned(Refusal):
    """The attempt took too long and was given up; nothing was assigned."""

    code = "bulk_abandoned"
    status = 409
    title = "The attempt was given up"


class OperationNotFound(Refusal):
    """The tenant has no such operation."""

    code = "operation_not_found"
    status = 404
    title = "Operation not found"


class NotFailed(Refusal):
    """Only a bulk assignment that failed can be tried again."""

    code = "not_failed"
    status = 409
    title = "Nothing to try again"


class AssignmentNotFound(Refusal):
    """The user has never had such an assignment."""

    code = "assignment_not_found"
    status = 404
    title = "Assignment not found"


class UndoWindowOpen(Refusal):
    """It can still be undone; a revert is for what is older than that."""

    code = "undo_window_open"
    title = "The undo window is still open"


class AlreadyReverted(Refusal):
    """It was undone or reverted before."""

    code = "already_reverted"
    title = "Already reverted"


class NotRevertible(Refusal):
    """What did not assign anything cannot be reverted."""

    code = "not_revertible"
    title = "Cannot be reverted"
