"""The routes for many users at once, and for whole operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from services.assignment import commands, queries, store
from services.assignment.commands import Attempt
from services.assignment.domain.refusals import (
    AlreadyReverted,
    AssetNotCompleted,
    AssignmentNotFound,
    BulkAbandoned,
    BulkRefused,
    ChangedSince,
    NotFailed,
    NothingToUndo,
    NotRevertible,
    OperationNotFound,
    UndoWindowExpired,
    UndoWindowOpen,
)
from services.assignment.operation_views import (
    BulkBody,
    BulkView,
    DryRun,
    OperationDetails,
    OperationView,
    ReasonBody,
    RevertBody,
    RevertedView,
)
from services.assignment.parts import Parts
from services.assignment.views import UndoneView
from shared.contracts.converter import AssetNotFound
from shared.contracts.identity import UserNotFound
from shared.contracts.refusal import Refusal
from shared.db import Tx
from shared.web import Answer, Call, Page, Routes, patiently
from shared.web.idempotency import REPLAYED, KeyInUse
from shared.web.limits import TooManyRequests
from shared.web.paging import PageQuery

routes = Routes("Operations")

BULK_REFUSALS = (AssetNotFound, AssetNotCompleted, BulkRefused, BulkAbandoned)


@routes.post(
    "/api/admin/assets/bulk-assign",
    answers={201: BulkView},
    refusals=[*BULK_REFUSALS, TooManyRequests],
    idempotent=True,
)
async def bulk_assign(call: Call[Parts], body: BulkBody) -> Answer:
    """Assign an asset to many users: to all of them, or to none.

    If any user cannot be given it, nothing is applied, and `failures` names all who cannot.
    """
    await _spend(call, len(body.user_ids))

    async def intend(tx: Tx) -> Attempt:
        return await commands.intend_bulk(tx, asset_id=body.asset_id, user_ids=body.user_ids)

    return await _bulk(call, intend)


@routes.post(
    "/api/admin/operations/{operation_id}/retry",
    answers={201: BulkView},
    refusals=[OperationNotFound, NotFailed, *BULK_REFUSALS, TooManyRequests],
    idempotent=True,
)
async def retry_operation(call: Call[Parts], operation_id: UUID) -> Answer:
    """Try a failed bulk assignment again, for the same users."""
    async with call.parts.database.transaction(call.context) as tx:
        request = await store.request(tx, operation_id)
    await _spend(call, len(request.user_ids) if request else 0)

    async def intend(tx: Tx) -> Attempt:
        return await commands.intend_retry(tx, operation_id)

    return await _bulk(call, intend)


async def _spend(call: Call[Parts], users: int) -> None:
    """Count users who are to be given something. Raises TooManyRequests."""
    await call.parts.limiter.spend(
        "users assigned in bulk",
        call.parts.settings.bulk_users_rate,
        *(call.context.tenant, str(call.context.actor)),
        cost=users,
    )


async def _bulk(call: Call[Parts], intend: Callable[[Tx], Awaitable[Attempt]]) -> Answer:
    """Write down, carry out, and if that is refused write down why; each is kept on its own."""
    database, context = call.parts.database, call.context
    if kept := await call.answered(database):
        return kept

    async def written_down() -> Attempt:
        async with database.transaction(context) as tx:
            return await intend(tx)

    attempt = await patiently(written_down)

    async def carry_out(tx: Tx) -> Answer:
        change = await commands.bulk_assign(tx, attempt)
        location = f"/api/admin/operations/{change.operation.id}"
        return Answer(201, BulkView.of(change), {"Location": location})

    try:
        answer = await call.once(database, carry_out)
    except Refusal as refusal:
        await _give_up(call, attempt, refusal)
        raise
    if REPLAYED in answer.headers:
        await _give_up(call, attempt, KeyInUse("A twin of this request was quicker."))
    call.parts.projector.wake()
    return answer


async def _give_up(call: Call[Parts], attempt: Attempt, refusal: Refusal) -> None:
    async with call.parts.database.transaction(call.context) as tx:
        await commands.give_up(tx, attempt, refusal)


@routes.post(
    "/api/admin/users/{user_id}/revert-assignment",
    answers={200: RevertedView},
    refusals=[UserNotFound, AssignmentNotFound, UndoWindowOpen, AlreadyReverted],
    idempotent=True,
)
async def revert_assignment(
    call: Call[Parts], user_id: UUID, body: RevertBody, query: DryRun
) -> Answer:
    """Revert an assignment, however old, once it cannot be undone any more.

    The user gets what they had before it, by a new assignment that replaces what they have now.
    """

    async def command(tx: Tx) -> Answer:
        outcome = await commands.revert(
            tx,
            user_id=user_id,
            assignment_id=body.assignment_id,
            reason=body.reason,
            dry_run=query.dry_run,
        )
        return Answer(200, RevertedView.of(outcome, await tx.now(), dry_run=query.dry_run))

    answer = await call.once(call.parts.database, command, commands.user_lock(user_id))
    call.parts.projector.wake()
    return answer


@routes.get("/api/admin/operations")
async def list_operations(call: Call[Parts], query: PageQuery) -> Page[OperationView]:
    """What administrators did and tried to do, newest first."""
    async with call.parts.database.transaction(call.context) as tx:
        now = await tx.now()
        found = await queries.operations_before(tx, query.cursor, query.limit + 1)
    views = [OperationView.of(operation, now) for operation in found]
    return Page.of(views, query.limit, key=lambda each: (each.performed_at, each.id))


@routes.get("/api/admin/operations/{operation_id}", refusals=[OperationNotFound])
async def show_operation(call: Call[Parts], operation_id: UUID) -> OperationDetails:
    """One operation; of a bulk assignment that failed, with all users who stood against it."""
    async with call.parts.database.transaction(call.context) as tx:
        operation = await store.operation(tx, operation_id)
        request = await store.request(tx, operation_id)
        return OperationDetails.whole(operation, request, await tx.now())


@routes.post(
    "/api/admin/operations/{operation_id}/undo",
    answers={200: UndoneView},
    refusals=[OperationNotFound, NothingToUndo, UndoWindowExpired, ChangedSince],
    idempotent=True,
)
async def undo_operation(call: Call[Parts], operation_id: UUID, query: DryRun) -> Answer:
    """Undo a whole operation, within 30 seconds of it.

    Each user gets back what they had before; who has been given something else since keeps it.
    """

    async def command(tx: Tx) -> Answer:
        undone = await commands.undo_operation(tx, operation_id, dry_run=query.dry_run)
        return Answer(200, UndoneView.of(undone, dry_run=query.dry_run))

    answer = await call.once(call.parts.database, command)
    call.parts.projector.wake()
    return answer


@routes.post(
    "/api/admin/operations/{operation_id}/revert",
    answers={200: UndoneView},
    refusals=[OperationNotFound, UndoWindowOpen, AlreadyReverted, NotRevertible, ChangedSince],
    idempotent=True,
)
async def revert_operation(
    call: Call[Parts], operation_id: UUID, body: ReasonBody, query: DryRun
) -> Answer:
    """Revert a whole operation, once it cannot be undone any more.

    Each user gets what they had before by a new assignment; who has been given something else
    since keeps it.
    """

    async def command(tx: Tx) -> Answer:
        undone = await commands.revert_operation(
            tx, operation_id, reason=body.reason, dry_run=query.dry_run
        )
        return Answer(200, UndoneView.of(undone, "reverted", dry_run=query.dry_run))

    answer = await call.once(call.parts.database, command)
    call.parts.projector.wake()
    return answer
