"""Giving many users an asset at once: all of them, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.assignment.domain.assign import UNDO_WINDOW
from services.assignment.domain.model import (
    Asset,
    Assignment,
    Change,
    End,
    Operation,
    User,
    missing,
    unfinished,
    unfit,
)
from services.assignment.domain.refusals import BulkRefused
from shared.contracts.refusal import Refusal


class Held(NamedTuple):
    """What a user has now: which assignment, of which asset."""

    assignment_id: UUID
    asset_id: UUID


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user who is to be given the asset, and what the user has now."""

    user: User
    held: Held | None


class Failure(NamedTuple):
    """A user who cannot be given anything, and why: the code of a refusal and its words."""

    user_id: UUID
    error: str
    detail: str


def bulk_assign(
    attempt: Operation,
    asset: Asset,
    recipients: Sequence[Recipient],
    *,
    now: datetime,
    new_id: Callable[[], UUID],
) -> Change:
    """Give the asset to all recipients in place of what they have; who has it already keeps it.

    Refuses an asset that is unknown or not completed, and, naming all of them, users who are
    unknown or disabled.
    """
    if refusal := missing(asset, now) or unfinished(asset):
        raise refusal
    if refused := _refused(attempt, recipients, now):
        raise refused
    changing = [each for each in recipients if each.held is None or each.held.asset_id != asset.id]
    operation = replace(
        attempt,
        status="completed",
        performed_at=now,
        user_count=len(changing),
        unchanged_count=len(recipients) - len(changing),
        undo_expires_at=now + UNDO_WINDOW if changing else None,
    )
    begun = tuple(_begun(operation, each, new_id()) for each in changing)
    ended = tuple(
        End(each.held.assignment_id, each.held.asset_id, superseded=True, superseded_by=new.id)
        for each, new in zip(changing, begun, strict=True)
        if each.held
    )
    return Change(operation, ended, begun)


def _begun(operation: Operation, recipient: Recipient, ident: UUID) -> Assignment:
    return Assignment(
        id=ident,
        operation_id=operation.id,
        asset_id=operation.asset_id,
        user_id=recipient.user.id,
        previous_asset_id=recipient.held.asset_id if recipient.held else None,
        assigned_by=operation.performed_by,
        assigned_at=operation.performed_at,
        valid_from=operation.performed_at,
        undo_expires_at=operation.undo_expires_at,
    )


def _refused(
    attempt: Operation, recipients: Sequence[Recipient], now: datetime
) -> BulkRefused | None:
    refusals = [(each.user.id, unfit(each.user, now)) for each in recipients]
    against = [(user_id, refusal) for user_id, refusal in refusals if refusal]
    if not against:
        return None
    failures = [Failure(user_id, refusal.code, refusal.detail) for user_id, refusal in against]
    more = f" {len(failures) - 1} more users failed as well." if len(failures) > 1 else ""
    unchanged = sum(
        1 for each in recipients if each.held and each.held.asset_id == attempt.asset_id
    )
    return BulkRefused(
        failures[0].detail + more,
        patience=max(refusal.patience for _, refusal in against),
        **outcome(attempt, failures, unchanged_count=unchanged),
    )


def outcome(
    attempt: Operation, failures: Sequence[Failure] = (), *, unchanged_count: int = 0
) -> dict[str, object]:
    """What is told of an attempt that changed nothing."""
    return {
        "operation_id": attempt.id,
        "successful_count": 0,
        "unchanged_count": unchanged_count,
        "failed_count": len(failures),
        "failures": [failure._asdict() for failure in failures],
        "undo_expires_at": None,
    }


def failures_of(refusal: Refusal) -> list[dict[str, object]]:
    """The users who stand against an attempt, as ``outcome`` told them."""
    failures: list[dict[str, object]] = refusal.extra.get("failures", [])
    return failures
