"""The values the rules speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.assignment.domain.refusals import (
    PATIENCE_FOR_CONVERSION,
    PATIENCE_FOR_RESTORATION,
    AssetNotCompleted,
    UserDisabled,
)
from shared.contracts.assignment import OperationKind
from shared.contracts.converter import AssetNotFound, ConversionStatus
from shared.contracts.identity import UserNotFound
from shared.contracts.refusal import Refusal
from shared.contracts.young import patience_for


@dataclass(frozen=True, slots=True)
class Asset:
    """What this service has been told of an asset; of an unknown one it has at most heard."""

    id: UUID
    known: bool = False
    status: ConversionStatus | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """What this service has been told of a person who can be given assets."""

    id: UUID
    known: bool = False
    disabled: bool = False


Stage = Literal["attempted", "failed", "completed", "undone", "reverted"]
"""How far an operation has come; of what is only attempted, the outcome is not known."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing an administrator did; without ``undo_expires_at`` it cannot be undone.

    An undo is an operation too, and so is a revert; ``undoes`` names the one it took back whole.
    A bulk assignment is written down before it is attempted; if it ``failed``, ``error`` is the
    code of the first reason. ``retries`` names the failed one that it repeats. ``user_id`` tells
    whom it is about, if it is one user.
    """

    id: UUID
    kind: OperationKind
    asset_id: UUID
    performed_by: UUID
    performed_at: datetime
    user_count: int
    undo_expires_at: datetime | None = None
    undoes: UUID | None = None
    undone_at: datetime | None = None
    status: Literal["attempted", "failed", "completed"] = "completed"
    unchanged_count: int = 0
    error: str | None = None
    retries: UUID | None = None
    user_id: UUID | None = None

    @property
    def stage(self) -> Stage:
        """Where it stands now: what is undone within its window is undone, later reverted."""
        if self.undone_at is None:
            return self.status
        in_window = self.undo_expires_at is not None and self.undone_at <= self.undo_expires_at
        return "undone" if in_window else "reverted"

    def undoable(self, now: datetime) -> bool:
        """Whether its window is open; the last moment belongs to the window."""
        return (
            self.undone_at is None
            and self.undo_expires_at is not None
            and now <= self.undo_expires_at
        )


def sole(users: Sequence[UUID]) -> UUID | None:
    """The one user whom an operation is about; None if there are others."""
    return users[0] if len(users) == 1 else None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A user has an asset, from ``valid_from`` until it is superseded or reverted.

    ``assigned_at`` and ``assigned_by`` tell of the original deed: an assignment brought back by
    an undo (``restored_from``) keeps them, and has no undo window of its own.
    """

    id: UUID
    operation_id: UUID
    asset_id: UUID
    user_id: UUID
    previous_asset_id: UUID | None
    assigned_by: UUID
    assigned_at: datetime
    valid_from: datetime
    undo_expires_at: datetime | None = None
    restored_from: UUID | None = None
    superseded_at: datetime | None = None
    superseded_by: UUID | None = None
    reverted_at: datetime | None = None
    reverted_by: UUID | None = None
    revert_reason: str | None = None

    @property
    def active(self) -> bool:
        """Whether it is what the user has now."""
        return self.superseded_at is None and self.reverted_at is None

    def brought_back(self, *, ident: UUID, operation_id: UUID, now: datetime) -> Assignment:
        """The assignment that takes this one's place again, as if nothing had come between."""
        return replace(
            self,
            id=ident,
            operation_id=operation_id,
            valid_from=now,
            undo_expires_at=None,
            restored_from=self.id,
            superseded_at=None,
            superseded_by=None,
            reverted_at=None,
            reverted_by=None,
            revert_reason=None,
        )


@dataclass(frozen=True, slots=True)
class End:
    """How an assignment ends: something takes its place, or it is taken back, or both.

    One that is superseded by nothing was the current one when a revert left its user with nothing.
    """

    id: UUID
    asset_id: UUID
    superseded: bool = False
    superseded_by: UUID | None = None
    reverted: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation comes to: the assignments that end with it, and those that begin."""

    operation: Operation
    ended: tuple[End, ...]
    begun: tuple[Assignment, ...]
    reason: str | None = None

    @property
    def touched(self) -> list[UUID]:
        """The assets that somebody has now or had until now."""
        assets = {each.asset_id for each in self.ended} | {each.asset_id for each in self.begun}
        return sorted(assets)


def missing(asset: Asset, now: datetime) -> AssetNotFound | None:
    """The refusal of an asset that is not there, if it is not."""
    if asset.deleted:
        return AssetNotFound(f"Asset {asset.id} was deleted.", patience=PATIENCE_FOR_RESTORATION)
    if not asset.known:
        return AssetNotFound(f"There is no asset {asset.id}.", patience=patience_for(asset.id, now))
    return None


def unfinished(asset: Asset) -> AssetNotCompleted | None:
    """The refusal of an asset whose conversion is not completed, if it is not."""
    if asset.status == "completed":
        return None
    return AssetNotCompleted(
        f"The conversion of asset {asset.id} is {asset.status}, not completed.",
        patience=PATIENCE_FOR_CONVERSION,
    )


def unfit(user: User, now: datetime) -> Refusal | None:
    """Why this user can be given nothing, if so."""
    if not user.known:
        return UserNotFound(f"There is no user {user.id}.", patience=patience_for(user.id, now))
    if user.disabled:
        return UserDisabled(f"User {user.id} is disabled.")
    return None


def obstacle(asset: Asset, user: User, now: datetime) -> Refusal | None:
    """Why this asset cannot be given to this user, if so."""
    absence = missing(asset, now) or (None if user.known else unfit(user, now))
    return absence or unfinished(asset) or unfit(user, now)
