"""The HTTP side of ``assignment``."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from services.assignment import commands, queries
from services.assignment.domain.assign import Unchanged
from services.assignment.domain.refusals import (
    AssetNotCompleted,
    ChangedSince,
    NothingToUndo,
    UndoWindowExpired,
    UserDisabled,
)
from services.assignment.http_operations import routes as operation_routes
from services.assignment.parts import Parts
from services.assignment.views import (
    AsOfPage,
    AssetStateView,
    AssignBody,
    AssignedView,
    AssignmentsQuery,
    CurrentAssignment,
    UndoBody,
    UndoneView,
    UserAssignment,
    WithdrawnView,
)
from shared.contracts.converter import AssetInUse, AssetNotFound
from shared.contracts.identity import UserNotFound
from shared.db import Tx
from shared.web import Answer, Call, Page, Routes, patiently
from shared.web.paging import Cursor

routes = Routes("Assignments")

ROUTES = (routes, operation_routes)


@routes.post(
    "/api/admin/assets/{asset_id}/assign",
    answers={201: AssignedView, 200: AssignedView},
    refusals=[AssetNotFound, UserNotFound, AssetNotCompleted, UserDisabled],
    idempotent=True,
)
async def assign(call: Call[Parts], asset_id: UUID, body: AssignBody) -> Answer:
    """Assign an asset to a user, in place of what the user has."""

    async def command(tx: Tx) -> Answer:
        decided = await commands.assign(tx, asset_id=asset_id, user_id=body.user_id)
        unchanged = isinstance(decided, Unchanged)
        view = AssignedView.of(decided.assignment, await tx.now(), unchanged=unchanged)
        if unchanged:
            return Answer(200, view)
        return Answer(201, view, {"Location": f"/api/admin/users/{view.user_id}/assignment"})

    lock = commands.user_lock(body.user_id)
    answer = await call.once(call.parts.database, command, lock)
    call.parts.projector.wake()
    return answer


@routes.post(
    "/api/admin/assets/{asset_id}/undo-assign",
    answers={200: UndoneView},
    refusals=[AssetNotFound, NothingToUndo, UndoWindowExpired, ChangedSince],
    idempotent=True,
)
async def undo_assign(call: Call[Parts], asset_id: UUID, body: UndoBody) -> Answer:
    """Undo the newest assignment of an asset, within 30 seconds of it.

    Each user gets back what they had before. Name an operation, or an assignment it made, to undo
    another than the newest.
    """

    async def command(tx: Tx) -> Answer:
        undone = await commands.undo(
            tx,
            asset_id=asset_id,
            operation_id=body.operation_id,
            assignment_id=body.assignment_id,
        )
        return Answer(200, UndoneView.of(undone))

    answer = await call.once(call.parts.database, command)
    call.parts.projector.wake()
    return answer


@routes.get("/api/admin/users/{user_id}/assignment", refusals=[UserNotFound])
async def show_user_assignment(call: Call[Parts], user_id: UUID) -> UserAssignment:
    """Show what a user has now."""
    return await _current(call, user_id)


@routes.get("/api/me/assignment", access="user", refusals=[UserNotFound])
async def show_own_assignment(call: Call[Parts]) -> UserAssignment:
    """Show what you have now."""
    return await _current(call, call.context.actor.principal)


async def _current(call: Call[Parts], user_id: UUID) -> UserAssignment:
    async def attempt() -> UserAssignment:
        async with call.parts.database.transaction(call.context) as tx:
            row = await queries.current_assignment(tx, user_id)
            current = CurrentAssignment.of(row, await tx.now()) if row["id"] else None
        return UserAssignment(assignment=current)

    return await patiently(attempt)


@routes.get("/api/admin/assignments")
async def list_assignments(call: Call[Parts], query: AssignmentsQuery) -> AsOfPage:
    """Who has what, or had at a time; by user, each at most once."""
    async with call.parts.database.transaction(call.context) as tx:
        now = await tx.now()
        as_of = query.cursor.created_at if query.cursor else min(query.as_of or now, now)
        rows = await queries.assignments(
            tx,
            as_of,
            user_id=query.user_id,
            asset_id=query.asset_id,
            after=query.cursor.id if query.cursor else None,
            count=query.limit + 1,
        )
    found = [CurrentAssignment.of(row, now) for row in rows]
    page = Page.of(found, query.limit, key=lambda each: Cursor(as_of, each.user_id))
    return AsOfPage(as_of=as_of, items=page.items, next_cursor=page.next_cursor)


@routes.get("/internal/assets/{asset_id}/state", access="internal")
async def show_asset_state(call: Call[Parts], asset_id: UUID) -> AssetStateView:
    """Show who has an asset at this moment."""
    async with call.parts.database.transaction(call.context) as tx:
        [state] = await queries.asset_states(tx, [asset_id])
    return AssetStateView(**asdict(state))


@routes.post(
    "/internal/assets/{asset_id}/withdraw",
    access="internal",
    answers={201: WithdrawnView, 200: WithdrawnView},
    refusals=[AssetNotFound, AssetInUse],
)
async def withdraw_asset(call: Call[Parts], asset_id: UUID) -> Answer:
    """Give an asset to nobody from now on, so that it can be deleted; 200 if it was so before."""

    async def attempt() -> commands.Promise:
        async with call.parts.database.transaction(call.context) as tx:
            return await commands.withdraw(tx, asset_id)

    promise = await patiently(attempt)
    view = WithdrawnView(asset_version=promise.asset_version)
    return Answer(201 if promise.anew else 200, view)
