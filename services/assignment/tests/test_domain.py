"""The rules, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.assignment.domain.assign import UNDO_WINDOW, Assigned, Unchanged, assign
from services.assignment.domain.model import Asset, Assignment, Operation, User
from services.assignment.domain.refusals import (
    AssetNotCompleted,
    ChangedSince,
    NothingToUndo,
    UndoWindowExpired,
    UserDisabled,
)
from services.assignment.domain.undo import Earlier, Holding, undo
from shared.contracts.converter import AssetNotFound
from shared.contracts.identity import UserNotFound
from shared.contracts.refusal import Refusal
from shared.contracts.young import patience_for

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADMIN = uuid4()

FILM = Asset(uuid4(), known=True, status="completed")
OTHER_FILM = Asset(uuid4(), known=True, status="completed")
ADA = User(uuid4(), known=True)


def give(asset: Asset, user: User = ADA, current: Assignment | None = None) -> Assigned:
    given = decide(asset, user, current)
    assert isinstance(given, Assigned)
    return given


def decide(
    asset: Asset, user: User = ADA, current: Assignment | None = None
) -> Assigned | Unchanged:
    return assign(
        asset,
        user,
        current,
        assignment_id=uuid4(),
        operation_id=uuid4(),
        assigned_by=ADMIN,
        now=NOON,
    )


def uuid7_made_at(moment: datetime) -> UUID:
    random = uuid4().int & ((1 << 76) - 1)
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | random)


def test_an_assignment_remembers_what_it_takes_the_place_of() -> None:
    first = give(FILM)
    second = give(OTHER_FILM, current=first.assignment)

    assert first.assignment.previous_asset_id is None
    assert first.superseded is None
    assert second.assignment.previous_asset_id == FILM.id
    assert second.superseded == first.assignment


def test_an_assignment_can_be_undone_for_thirty_seconds() -> None:
    given = give(FILM)

    assert timedelta(seconds=30) == UNDO_WINDOW
    assert given.assignment.assigned_at == given.operation.performed_at == NOON
    assert given.assignment.undo_expires_at == NOON + timedelta(seconds=30)


def test_what_a_user_has_already_is_not_assigned_again() -> None:
    current = give(FILM).assignment

    assert decide(FILM, current=current) == Unchanged(current)


@pytest.mark.parametrize(
    ("asset", "user", "refusal"),
    [
        (Asset(FILM.id), ADA, AssetNotFound),
        (Asset(FILM.id, known=False, status="completed"), ADA, AssetNotFound),
        (Asset(FILM.id, known=True, status="completed", deleted=True), ADA, AssetNotFound),
        (Asset(FILM.id), User(ADA.id), AssetNotFound),
        (FILM, User(ADA.id), UserNotFound),
        (Asset(FILM.id, known=True, status="pending"), ADA, AssetNotCompleted),
        (Asset(FILM.id, known=True, status="processing"), ADA, AssetNotCompleted),
        (Asset(FILM.id, known=True, status="failed"), ADA, AssetNotCompleted),
        (FILM, User(ADA.id, known=True, disabled=True), UserDisabled),
    ],
)
def test_only_a_completed_asset_goes_to_an_enabled_user(
    asset: Asset, user: User, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        decide(asset, user)


@pytest.mark.parametrize(
    ("ident", "seconds"),
    [
        (uuid7_made_at(NOON), 2.0),
        (uuid7_made_at(NOON - timedelta(seconds=9.9)), 2.0),
        (uuid7_made_at(NOON + timedelta(seconds=1)), 2.0),
        (uuid7_made_at(NOON - timedelta(seconds=10)), 0.0),
        (uuid7_made_at(NOON + timedelta(days=1)), 0.0),
        (uuid4(), 0.0),
        (UUID(int=0), 0.0),
        (UUID(int=2**128 - 1), 0.0),
    ],
)
def test_only_a_young_id_is_worth_waiting_for(ident: UUID, seconds: float) -> None:
    assert patience_for(ident, NOON) == seconds


def test_waiting_for_a_conversion_is_short() -> None:
    with pytest.raises(AssetNotCompleted) as refused:
        decide(Asset(FILM.id, known=True, status="processing"))

    assert refused.value.patience == 0.3


def holding(given: Assigned, asset_before: Asset | None = None, user: User = ADA) -> Holding:
    earlier = None
    if given.superseded:
        earlier = Earlier(given.superseded, asset_before or FILM)
    return Holding(given.assignment, user, earlier)


def replaced() -> Assigned:
    return give(OTHER_FILM, current=give(FILM).assignment)


def test_undo_takes_back_an_assignment_and_restores_the_one_before() -> None:
    given = replaced()

    undone = undo(given.operation, [holding(given)], now=NOON)

    [taken] = undone.taken_back
    assert taken.assignment == given.assignment
    assert taken.brings_back == given.superseded
    assert taken.refused is None
    assert undone.skipped == ()


def test_undo_of_a_first_assignment_leaves_nothing() -> None:
    given = give(FILM)

    [taken] = undo(given.operation, [holding(given)], now=NOON).taken_back

    assert (taken.brings_back, taken.refused) == (None, None)


@pytest.mark.parametrize(
    ("asset_before", "user", "reason"),
    [
        (Asset(FILM.id, known=True, status="failed"), ADA, "asset_not_completed"),
        (Asset(FILM.id, known=True, status="completed", deleted=True), ADA, "asset_not_found"),
        (FILM, User(ADA.id, known=True, disabled=True), "user_disabled"),
    ],
)
def test_undo_says_why_it_does_not_restore(asset_before: Asset, user: User, reason: str) -> None:
    given = replaced()

    [taken] = undo(given.operation, [holding(given, asset_before, user)], now=NOON).taken_back

    assert (taken.brings_back, taken.refused) == (None, reason)


@pytest.mark.parametrize("seconds", [0, 29.999, 30.0])
def test_undo_is_possible_up_to_the_last_moment(seconds: float) -> None:
    given = give(FILM)

    assert undo(given.operation, [holding(given)], now=NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [30.000001, 30.001, 3600])
def test_undo_is_refused_after_the_last_moment(seconds: float) -> None:
    given = give(FILM)

    with pytest.raises(UndoWindowExpired) as refused:
        undo(given.operation, [holding(given)], now=NOON + timedelta(seconds=seconds))

    assert refused.value.extra["undo_expires_at"] == "2026-03-01T12:00:30.000000Z"


def test_an_undone_operation_cannot_be_undone_again() -> None:
    given = give(FILM)
    undone = replace(given.operation, undone_at=NOON)

    with pytest.raises(NothingToUndo):
        undo(undone, [holding(given)], now=NOON)


def test_what_an_undo_brought_back_has_no_window_and_keeps_its_story() -> None:
    first = give(FILM).assignment
    later = NOON + timedelta(seconds=20)

    again = first.brought_back(ident=uuid4(), operation_id=uuid4(), now=later)

    assert again.active
    assert again.restored_from == first.id
    assert again.undo_expires_at is None
    assert again.valid_from == later
    assert (again.assigned_at, again.assigned_by) == (first.assigned_at, first.assigned_by)
    assert again.previous_asset_id == first.previous_asset_id


def superseded(given: Assigned, user: User) -> Holding:
    gone = replace(given.assignment, superseded_at=NOON, superseded_by=uuid4())
    return Holding(gone, user, None)


def test_users_with_something_newer_are_skipped() -> None:
    given, bob = give(FILM), User(uuid4(), known=True)
    kept, changed = holding(given), superseded(give(FILM, bob), bob)

    undone = undo(given.operation, [kept, changed], now=NOON)

    assert [taken.assignment for taken in undone.taken_back] == [kept.assignment]
    assert [skipped.user_id for skipped in undone.skipped] == [bob.id]


def test_undo_is_refused_when_every_user_has_something_newer() -> None:
    given = give(FILM)

    with pytest.raises(ChangedSince):
        undo(given.operation, [superseded(given, ADA)], now=NOON)


def test_other_operations_are_offered_while_their_window_is_open() -> None:
    given, other = give(FILM), give(FILM)
    closed = Operation(uuid4(), "assign", FILM.id, ADMIN, NOON, 1, NOON - timedelta(seconds=1))

    undone = undo(given.operation, [holding(given)], others=[other.operation, closed], now=NOON)

    assert undone.others == (other.operation,)
