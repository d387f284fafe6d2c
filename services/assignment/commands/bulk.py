"""Give many users an asset at once, all of them or none; in three transactions.

What is to be tried is written down first, so that even an attempt that is rolled back, or dies
with its process, is known and accounted for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.assignment import store
from services.assignment.commands.telling import tell_bulk
from services.assignment.domain import bulk as rule
from services.assignment.domain.model import Change, Operation, missing, sole
from services.assignment.domain.refusals import BulkAbandoned, NotFailed
from shared.contracts.assignment import OperationFailed
from shared.contracts.refusal import Refusal
from shared.db import Tx

INTERRUPTED = "interrupted"
"""The error of an attempt whose process did not live to tell of it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A bulk assignment that is written down and not yet carried out; each user once."""

    operation: Operation
    user_ids: tuple[UUID, ...]


async def intend_bulk(
    tx: Tx, *, asset_id: UUID, user_ids: Sequence[UUID], retries: UUID | None = None
) -> Attempt:
    """Write down that users are to be given an asset. Refuses an unknown asset."""
    now = await tx.now()
    if refusal := missing(await store.asset(tx, asset_id), now):
        raise refusal
    users = tuple(dict.fromkeys(user_ids))
    operation = Operation(
        id=tx.new_id(),
        kind="bulk_assign",
        asset_id=asset_id,
        performed_by=tx.context.actor.principal,
        performed_at=now,
        user_count=0,
        status="attempted",
        retries=retries,
        user_id=sole(users),
    )
    attempt = Attempt(operation, users)
    await store.save_attempt(tx, operation, attempt.user_ids)
    return attempt


async def intend_retry(tx: Tx, operation_id: UUID) -> Attempt:
    """Write down that a failed bulk assignment is to be tried again, for the same users.

    Refuses an unknown operation, and one that is no bulk assignment or did not fail.
    """
    failed = await store.operation(tx, operation_id)
    request = await store.request(tx, operation_id)
    if request is None or failed.status != "failed":
        raise NotFailed(f"Operation {operation_id} is no bulk assignment that failed.")
    return await intend_bulk(
        tx, asset_id=failed.asset_id, user_ids=request.user_ids, retries=operation_id
    )


async def bulk_assign(tx: Tx, attempt: Attempt) -> Change:
    """Carry out an attempt; who has the asset already is left alone.

    Refuses an asset that is unknown or not completed, users who are unknown or disabled, naming
    all of them, and an attempt that was given up meanwhile.
    """
    operation = await store.take_attempt(tx, attempt.operation.id)
    if operation is None:
        raise BulkAbandoned("The attempt took too long and was given up; nothing was assigned.")
    now = await store.lock_users(tx, attempt.user_ids)
    change = rule.bulk_assign(
        operation,
        await store.asset(tx, operation.asset_id),
        await store.recipients(tx, attempt.user_ids),
        now=now,
        new_id=tx.new_id,
    )
    await store.save_change(tx, change)
    await store.settle(tx, operation.id)
    tell_bulk(tx, change)
    return change


async def give_up(tx: Tx, attempt: Attempt, refusal: Refusal) -> None:
    """Write down why an attempt has changed nothing, and tell."""
    if operation := await store.take_attempt(tx, attempt.operation.id):
        failures = rule.failures_of(refusal)
        await store.fail(
            tx,
            operation.id,
            error=refusal.code,
            failures=failures,
            unchanged_count=refusal.extra.get("unchanged_count", 0),
        )
        error = str(failures[0]["error"]) if failures else refusal.code
        _tell_failed(tx, operation, len(attempt.user_ids), len(failures), error)


async def settle_left_behind(tx: Tx, operation_id: UUID) -> None:
    """Write down that an attempt came to nothing, unless it is under way at this moment.

    What it would have done is committed together with its outcome: without one, nothing was done.
    """
    operation = await store.take_idle_attempt(tx, operation_id)
    request = await store.request(tx, operation_id)
    if operation and request:
        await store.fail(tx, operation.id, error=INTERRUPTED)
        _tell_failed(tx, operation, len(request.user_ids), 0, INTERRUPTED)


def _tell_failed(
    tx: Tx, operation: Operation, user_count: int, failed_count: int, error: str
) -> None:
    tx.emit(
        OperationFailed(
            operation_id=operation.id,
            kind=operation.kind,
            asset_id=operation.asset_id,
            user_count=user_count,
            failed_count=failed_count,
            error=error,
            retries=operation.retries,
        )
    )
