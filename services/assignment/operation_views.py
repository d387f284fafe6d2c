"""The JSON of operations: bulk assignments, reverts, and what is told of any of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from services.assignment.commands import Outcome
from services.assignment.domain.model import Change, Operation, Stage
from services.assignment.store import Request
from services.assignment.views import AssignmentView
from shared.contracts.assignment import OperationKind

MOST_USERS = 10_000


class BulkBody(BaseModel):
    """Who gets which asset; who is named twice is meant once."""

    asset_id: UUID
    user_ids: list[UUID] = Field(min_length=1, max_length=MOST_USERS)


class FailureView(BaseModel):
    """A user who cannot be given the asset: the code of the reason, and its words."""

    user_id: UUID
    error: str = Field(examples=["user_not_found"])
    detail: str


class BulkView(BaseModel):
    """What a bulk assignment did; ``unchanged_count`` users had the asset already."""

    operation_id: UUID
    successful_count: int
    unchanged_count: int
    failed_count: int
    failures: list[FailureView]
    undo_expires_at: datetime | None
    server_time: datetime

    @classmethod
    def of(cls, change: Change) -> Self:
        """The view of one that was carried out."""
        operation = change.operation
        return cls(
            operation_id=operation.id,
            successful_count=operation.user_count,
            unchanged_count=operation.unchanged_count,
            failed_count=0,
            failures=[],
            undo_expires_at=operation.undo_expires_at,
            server_time=operation.performed_at,
        )


class ReasonBody(BaseModel):
    """Why; it is kept in the trail."""

    reason: str | None = Field(None, max_length=1000)


class RevertBody(ReasonBody):
    """Which assignment of the user to take back, and why."""

    assignment_id: UUID


class DryRun(BaseModel):
    """Whether only to tell what would be done."""

    dry_run: bool = Field(False, description="Change nothing; tell what would be done.")


class RevertedView(BaseModel):
    """What a revert did, or would do: the user has ``restored_asset_id`` now, or nothing.

    ``assignment`` is what the user has by it; in a dry run it is null unless nothing would change.
    ``restore_refused`` says why an earlier asset could not be given back.
    """

    message: str
    dry_run: bool
    operation_id: UUID | None
    reverted_assignment_id: UUID
    restored_asset_id: UUID | None
    restore_refused: str | None
    assignment: AssignmentView | None

    @classmethod
    def of(cls, outcome: Outcome, now: datetime, *, dry_run: bool) -> Self:
        """The view of a decision that was carried out, or might be."""
        reverted, assignment = outcome.reverted, outcome.assignment
        return cls(
            message=_message(outcome, dry_run=dry_run),
            dry_run=dry_run,
            operation_id=outcome.operation_id,
            reverted_assignment_id=reverted.target.assignment.id,
            restored_asset_id=reverted.goes_back_to.asset_id if reverted.goes_back_to else None,
            restore_refused=reverted.refused,
            assignment=AssignmentView.at(assignment, now) if assignment else None,
        )


def _message(outcome: Outcome, *, dry_run: bool) -> str:
    back, refused = outcome.reverted.goes_back_to, outcome.reverted.refused
    begin = "The assignment would be reverted" if dry_run else "The assignment was reverted"
    if back:
        return f"{begin}: the user has asset {back.asset_id}."
    return f"{begin}: the user has nothing{f', because of {refused}' if refused else ''}."


class OperationView(BaseModel):
    """One thing an administrator did or tried to do.

    ``status`` is ``attempted`` while the outcome is not known. ``undoes`` names the operation it
    took back, ``retries`` the failed one it repeats, ``error`` the first reason of a failure,
    ``user_id`` the user if it is about one.
    """

    id: UUID
    kind: OperationKind
    status: Stage
    asset_id: UUID
    performed_by: UUID
    performed_at: datetime
    user_id: UUID | None
    user_count: int
    unchanged_count: int
    undo_expires_at: datetime | None
    server_time: datetime
    undoes: UUID | None
    undone_at: datetime | None
    retries: UUID | None
    error: str | None

    @classmethod
    def of(cls, operation: Operation, now: datetime, **more: Any) -> Self:
        """The view at a moment."""
        shown = {name: getattr(operation, name) for name in cls.model_fields if name in _OWN}
        return cls(**shown, status=operation.stage, server_time=now, **more)


_OWN = frozenset(Operation.__dataclass_fields__) - {"status"}


class OperationDetails(OperationView):
    """An operation with the users that a bulk assignment was asked for and who failed."""

    requested_count: int | None
    failed_count: int
    failures: list[FailureView]

    @classmethod
    def whole(cls, operation: Operation, request: Request | None, now: datetime) -> Self:
        """The view at a moment, with what was asked for."""
        failures = [FailureView(**failure) for failure in request.failures] if request else []
        return cls.of(
            operation,
            now,
            requested_count=len(request.user_ids) if request else None,
            failed_count=len(failures),
            failures=failures,
        )
