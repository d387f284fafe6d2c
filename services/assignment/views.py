"""The JSON of this service: what it takes and what it shows."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from asyncpg import Record
from pydantic import BaseModel, Field

from services.assignment.domain.model import Assignment
from services.assignment.domain.refusals import AlreadyReverted, ChangedSince
from services.assignment.domain.undo import TakenBack, Undone
from shared.web.moment import Moment
from shared.web.paging import Page, PageQuery

_ASSIGNMENT = tuple(field.name for field in fields(Assignment))


def _facts(assignment: Assignment) -> dict[str, Any]:
    """Its fields as they are: ``asdict`` would copy each, for a tenth of a millisecond."""
    return {name: getattr(assignment, name) for name in _ASSIGNMENT}


class AssignBody(BaseModel):
    """Who gets the asset."""

    user_id: UUID


class UndoBody(BaseModel):
    """Which operation to undo: by its id or by that of an assignment it made; else the newest."""

    assignment_id: UUID | None = None
    operation_id: UUID | None = None


class AssignmentView(BaseModel):
    """A user has an asset, or had it until it was superseded or reverted.

    Until ``undo_expires_at``, by the clock that tells ``server_time``, it can be undone.
    """

    id: UUID
    operation_id: UUID
    asset_id: UUID
    user_id: UUID
    previous_asset_id: UUID | None
    assigned_by: UUID
    assigned_at: datetime
    undo_expires_at: datetime | None
    server_time: datetime
    reverted_at: datetime | None
    reverted_by: UUID | None
    revert_reason: str | None
    superseded_at: datetime | None
    restored_from: UUID | None

    @classmethod
    def at(cls, assignment: Assignment, now: datetime) -> Self:
        """The view at a moment."""
        return cls(**_facts(assignment), server_time=now)


class AssignedView(AssignmentView):
    """An assignment; ``unchanged`` if the user had the asset already."""

    unchanged: bool

    @classmethod
    def of(cls, assignment: Assignment, now: datetime, *, unchanged: bool) -> Self:
        """The view at a moment."""
        return cls(**_facts(assignment), server_time=now, unchanged=unchanged)


class AssetBrief(BaseModel):
    """The asset of an assignment, as far as this service knows it."""

    id: UUID
    title: str | None
    filename: str | None
    conversion_status: str | None


class AdminBrief(BaseModel):
    """The administrator who made an assignment; no name until it has arrived here."""

    id: UUID
    name: str | None
    email: str | None


class CurrentAssignment(AssignmentView):
    """What a user has now, with its asset and the administrator who gave it."""

    asset: AssetBrief
    admin: AdminBrief

    @classmethod
    def of(cls, row: Record, now: datetime) -> Self:
        """The view of a row of ``queries.current_assignment``."""
        asset = AssetBrief(
            id=row["asset_id"],
            title=row["asset_title"],
            filename=row["asset_filename"],
            conversion_status=row["asset_status"],
        )
        admin = AdminBrief(id=row["assigned_by"], name=row["admin_name"], email=row["admin_email"])
        return cls(**dict(row), server_time=now, asset=asset, admin=admin)


class UserAssignment(BaseModel):
    """What a user has now, if anything."""

    assignment: CurrentAssignment | None


class AssignmentsQuery(PageQuery):
    """Who had what when; of whom, or of which asset."""

    as_of: Moment | None = Field(
        None,
        description="A time as in RFC 3339; now, if it is left out or yet to come."
        " A `cursor` goes on in the time of the page it comes from.",
    )
    user_id: UUID | None = None
    asset_id: UUID | None = None


class AsOfPage(Page[CurrentAssignment]):
    """What people had at the time `as_of`."""

    as_of: datetime


class Restored(BaseModel):
    """A user has what they had before the operation; null if that was nothing."""

    user_id: UUID
    asset_id: UUID | None


class NotRestored(BaseModel):
    """A user has nothing now: what they had before cannot be given to them today."""

    user_id: UUID
    asset_id: None = None
    reason: str


class Skipped(BaseModel):
    """A user whom the undo left alone."""

    user_id: UUID
    reason: str


class UndoneView(BaseModel):
    """What an undo or a revert did, or, in a ``dry_run``, would do.

    ``other_operations`` on the same asset could be undone as well.
    """

    message: str
    dry_run: bool = False
    operation_id: UUID
    restored: list[Restored | NotRestored]
    skipped: list[Skipped]
    other_operations: list[UUID]

    @classmethod
    def of(cls, undone: Undone, verb: str = "undone", *, dry_run: bool = False) -> Self:
        """The view of a decision that was carried out, or might be."""
        return cls(
            message=_message(undone, f"would be {verb}" if dry_run else verb),
            dry_run=dry_run,
            operation_id=undone.operation.id,
            restored=[_restored(taken) for taken in undone.taken_back],
            skipped=[Skipped(user_id=a.user_id, reason=_why(a)) for a in undone.skipped],
            other_operations=[other.id for other in undone.others],
        )


def _restored(taken: TakenBack) -> Restored | NotRestored:
    user_id = taken.assignment.user_id
    if taken.refused:
        return NotRestored(user_id=user_id, reason=taken.refused)
    earlier = taken.brings_back
    return Restored(user_id=user_id, asset_id=earlier.asset_id if earlier else None)


def _why(skipped: Assignment) -> str:
    taken_back = skipped.reverted_at is not None
    return AlreadyReverted.code if taken_back else ChangedSince.code


def _message(undone: Undone, verb: str) -> str:
    done, skipped = len(undone.taken_back), len(undone.skipped)
    was, were = (verb, verb) if verb.startswith("would") else (f"was {verb}", f"were {verb}")
    if skipped:
        return f"The assignment {was} for {done} of {done + skipped} users."
    return f"The assignment {was}." if done == 1 else f"{done} assignments {were}."


class AssetStateView(BaseModel):
    """Who has an asset: the latest user, since when and by whom, and how many have it."""

    user_id: UUID | None
    assigned_at: datetime | None
    assigned_by: UUID | None
    active_assignment_count: int


class WithdrawnView(BaseModel):
    """The promise that nobody has an asset, or will unless it is restored in a newer version."""

    asset_version: int
