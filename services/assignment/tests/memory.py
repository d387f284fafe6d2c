"""The rules on rows kept in memory: what PostgreSQL keeps, without PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from uuid import UUID

from services.assignment.domain import assign, bulk, revert, undo
from services.assignment.domain.bulk import Held
from services.assignment.domain.model import Asset, Assignment, Change, End, Operation, User
from services.assignment.domain.refusals import NothingToUndo
from services.assignment.domain.undo import Earlier, Holding

ADMIN = UUID(int=1)


class Memory:
    """People, films and assignments in one place."""

    def __init__(self) -> None:
        self._numbers = count(1000)
        self.people: dict[UUID, User] = {}
        self.films: dict[UUID, Asset] = {}
        self.rows: dict[UUID, Assignment] = {}
        self.operations: dict[UUID, Operation] = {}

    def new_id(self) -> UUID:
        """The next number."""
        return UUID(int=next(self._numbers))

    def assign(self, asset_id: UUID, user_id: UUID, now: datetime) -> UUID | None:
        """Give a user an asset; the id of the operation, if it changed anything."""
        given = assign.assign(
            self.films[asset_id],
            self.people[user_id],
            self.current(user_id),
            assignment_id=self.new_id(),
            operation_id=self.new_id(),
            assigned_by=ADMIN,
            now=now,
        )
        if isinstance(given, assign.Unchanged):
            return None
        ended = given.superseded
        ends = (_superseded(ended, given.assignment.id),) if ended else ()
        return self._save(Change(given.operation, ends, (given.assignment,)))

    def bulk(self, asset_id: UUID, user_ids: Sequence[UUID], now: datetime) -> UUID:
        """Give an asset to users."""
        attempt = replace(self._operation("bulk_assign", asset_id, now), status="attempted")
        recipients = [
            bulk.Recipient(self.people[user_id], self._held(user_id))
            for user_id in dict.fromkeys(user_ids)
        ]
        asset = self.films[asset_id]
        change = bulk.bulk_assign(attempt, asset, recipients, now=now, new_id=self.new_id)
        return self._save(change)

    def undo_newest(self, asset_id: UUID, now: datetime) -> UUID:
        """Undo the newest operation on an asset."""
        found = [
            operation
            for operation in self.operations.values()
            if operation.asset_id == asset_id
            and operation.undone_at is None
            and operation.undo_expires_at
        ]
        if not found:
            raise NothingToUndo("There is nothing.")
        newest = max(found, key=lambda operation: (operation.performed_at, operation.id))
        return self.undo(newest.id, now)

    def undo(self, operation_id: UUID, now: datetime) -> UUID:
        """Undo an operation."""
        operation = self.operations[operation_id]
        undone = undo.undo(operation, self._holdings(operation), now=now)
        by = replace(self._operation("undo", operation.asset_id, now), undoes=operation.id)
        return self._save(undo.carry_out(undone, by, self.new_id))

    def revert(self, user_id: UUID, assignment_id: UUID, now: datetime) -> UUID:
        """Revert one assignment of a user."""
        row = self.rows[assignment_id]
        while self.operations[row.operation_id].kind == "undo":
            assert row.restored_from
            row = self.rows[row.restored_from]
        target = revert.Target(self._holding(row), self.current(user_id))
        reverted = revert.revert(target, now=now)
        by = replace(self._operation("revert", row.asset_id, now), user_count=1)
        return self._save(revert.carry_out(reverted, by, self.new_id, None))

    def revert_operation(self, operation_id: UUID, now: datetime) -> UUID:
        """Revert a whole operation."""
        operation = self.operations[operation_id]
        undone = revert.revert_all(operation, self._holdings(operation), now=now)
        by = replace(self._operation("revert", operation.asset_id, now), undoes=operation.id)
        return self._save(revert.carry_out_all(undone, by, self.new_id, None))

    def current(self, user_id: UUID) -> Assignment | None:
        """What a user has."""
        active = [row for row in self.rows.values() if row.user_id == user_id and row.active]
        assert len(active) <= 1
        return active[0] if active else None

    def _held(self, user_id: UUID) -> Held | None:
        current = self.current(user_id)
        return Held(current.id, current.asset_id) if current else None

    def _operation(self, kind: str, asset_id: UUID, now: datetime) -> Operation:
        return Operation(self.new_id(), kind, asset_id, ADMIN, now, 0)  # type: ignore[arg-type]

    def _holdings(self, operation: Operation) -> list[Holding]:
        of_it = [row for row in self.rows.values() if row.operation_id == operation.id]
        return [self._holding(row) for row in of_it]

    def _holding(self, row: Assignment) -> Holding:
        earlier = next((e for e in self.rows.values() if e.superseded_by == row.id), None)
        before = Earlier(earlier, self.films[earlier.asset_id]) if earlier else None
        return Holding(row, self.people[row.user_id], before, self._again(row))

    def _again(self, row: Assignment) -> Assignment | None:
        for other in self.rows.values():
            made_by = self.operations[other.operation_id]
            if other.restored_from == row.id and made_by.kind == "undo":
                return other if other.active else self._again(other)
        return None

    def _save(self, change: Change) -> UUID:
        by = change.operation
        self.operations[by.id] = by
        if by.undoes:
            undone = self.operations[by.undoes]
            self.operations[by.undoes] = replace(undone, undone_at=by.performed_at)
        for end in change.ended:
            self.rows[end.id] = _ended(self.rows[end.id], end, by)
        self.rows |= {row.id: row for row in change.begun}
        return by.id


def _superseded(row: Assignment, by: UUID) -> End:
    return End(row.id, row.asset_id, superseded=True, superseded_by=by)


def _ended(row: Assignment, end: End, by: Operation) -> Assignment:
    now = by.performed_at
    if end.superseded:
        assert row.superseded_at is None
        row = replace(row, superseded_at=now, superseded_by=end.superseded_by)
    if end.reverted:
        assert row.reverted_at is None
        row = replace(row, reverted_at=now, reverted_by=by.performed_by)
    return row
