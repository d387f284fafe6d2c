"""Any history of assigning, taking back and waiting, against a model that knows no rows.

``MARQUEE_TEST_HISTORIES`` multiplies how many are tried, ``MARQUEE_TEST_SEED`` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from random import SystemRandom
from typing import Any, Protocol, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.assignment.domain.assign import Assigned
from services.assignment.domain.model import Asset, Assignment, User
from services.assignment.tests.memory import Memory
from services.assignment.tests.model import Deed, Model
from services.assignment.tests.world import NOON, StillClock, World, user_created
from shared.contracts.converter import ConversionStatus
from shared.contracts.refusal import Refusal
from shared.testing.databases import PostgresServer, fresh_databases

USERS, ASSETS = 4, 3

BUSY = pytest.mark.timeout(900)
"""Histories cost nothing but the processor's time, of which a busy machine has little."""

T = TypeVar("T")

Shown = tuple[UUID | None, datetime | None, int]

some_user = st.integers(0, USERS - 1)
some_users = st.lists(some_user, min_size=1, max_size=USERS + 1)
some_asset = st.integers(0, ASSETS - 1)
some_place = st.integers(0, 30)
some_wait = st.sampled_from([0.001, 10.0, 29.999, 30.0, 30.001, 60.0])


class Stage(Protocol):
    """Where histories are played: each verb answers the id of its operation, or raises."""

    @property
    def users(self) -> Sequence[UUID]: ...
    @property
    def assets(self) -> Sequence[UUID]: ...

    def assign(self, asset_id: UUID, user_id: UUID, now: datetime) -> UUID | None: ...
    def bulk(self, asset_id: UUID, user_ids: Sequence[UUID], now: datetime) -> UUID | None: ...
    def undo_newest(self, asset_id: UUID, now: datetime) -> UUID: ...
    def undo(self, operation_id: UUID, now: datetime) -> UUID: ...
    def revert(self, user_id: UUID, assignment_id: UUID, now: datetime) -> UUID: ...
    def revert_operation(self, operation_id: UUID, now: datetime) -> UUID: ...
    def convert(self, asset_id: UUID, *, failed: bool) -> None: ...
    def switch(self, user_id: UUID, *, disabled: bool) -> None: ...
    def all_rows(self) -> Sequence[Assignment]: ...
    def columns(self) -> dict[UUID, Shown]: ...


class Histories(RuleBasedStateMachine):
    """Each step is played to the model and on the stage; then everything is compared."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.played, self.model, self.now = stage, Model(), NOON
        self.operations: list[UUID] = []
        self.before: dict[UUID, Assignment] = {}
        self.past: list[tuple[datetime, dict[UUID, UUID]]] = []

    def _both(self, expected: str, play: Callable[[], UUID | None]) -> None:
        try:
            operation_id, outcome = play(), "done"
        except Refusal as refusal:
            operation_id, outcome = None, refusal.code
        assert outcome == expected
        if operation_id:
            self.operations.append(operation_id)
        assert len(self.operations) == len(self.model.deeds)

    def _some_deed(self, place: int) -> tuple[Deed, UUID] | None:
        if not self.model.deeds:
            return None
        place = -1 - place % len(self.model.deeds)
        return self.model.deeds[place], self.operations[place]

    @rule(asset=some_asset, user=some_user)
    def assign(self, asset: int, user: int) -> None:
        """Give a user an asset."""
        expected = self.model.assign(asset, [user], self.now)
        ids = self.played.assets[asset], self.played.users[user]
        self._both(expected, lambda: self.played.assign(*ids, self.now))

    @rule(asset=some_asset, users=some_users)
    def bulk(self, asset: int, users: list[int]) -> None:
        """Give some users, some of them named twice, an asset."""
        expected = self.model.assign(asset, users, self.now, bulk=True)
        user_ids = [self.played.users[user] for user in users]
        asset_id = self.played.assets[asset]
        self._both(expected, lambda: self.played.bulk(asset_id, user_ids, self.now))

    @rule(asset=some_asset)
    def undo_newest(self, asset: int) -> None:
        """Undo the newest operation on an asset."""
        expected = self.model.undo_newest(asset, self.now)
        asset_id = self.played.assets[asset]
        self._both(expected, lambda: self.played.undo_newest(asset_id, self.now))

    @rule(place=some_place)
    def undo(self, place: int) -> None:
        """Undo any operation there ever was."""
        if found := self._some_deed(place):
            expected = self.model.undo(found[0], self.now)
            self._both(expected, lambda: self.played.undo(found[1], self.now))

    @rule(place=some_place)
    def revert_operation(self, place: int) -> None:
        """Revert any operation there ever was."""
        if found := self._some_deed(place):
            expected = self.model.revert_operation(found[0], self.now)
            self._both(expected, lambda: self.played.revert_operation(found[1], self.now))

    @rule(place=some_place, which=some_user)
    def revert(self, place: int, which: int) -> None:
        """Revert any assignment there ever was."""
        found = self._some_deed(place)
        if found and found[0].gave:
            held = found[0].gave[which % len(found[0].gave)]
            user_id = self.played.users[held.user]
            assignment_id = self._row_of(found[1], user_id).id
            expected = self.model.revert(held, self.now)
            self._both(expected, lambda: self.played.revert(user_id, assignment_id, self.now))

    @rule(user=some_user)
    def revert_current(self, user: int) -> None:
        """Revert what a user has, by the row the user has it by."""
        if held := self.model.has.get(user):
            user_id = self.played.users[user]
            [current] = [r for r in self.played.all_rows() if r.user_id == user_id and r.active]
            expected = self.model.revert(held, self.now)
            self._both(expected, lambda: self.played.revert(user_id, current.id, self.now))

    @rule(asset=some_asset, failed=st.booleans())
    def convert(self, asset: int, failed: bool) -> None:
        """An asset fails, or comes right."""
        (self.model.failed.add if failed else self.model.failed.discard)(asset)
        self.played.convert(self.played.assets[asset], failed=failed)

    @rule(user=some_user, disabled=st.booleans())
    def switch(self, user: int, disabled: bool) -> None:
        """A user is disabled, or enabled."""
        (self.model.disabled.add if disabled else self.model.disabled.discard)(user)
        self.played.switch(self.played.users[user], disabled=disabled)

    @rule(seconds=some_wait)
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        """After each step: who has what, what assets show, and the history that tells of it."""
        rows = self.played.all_rows()
        self._history_only_grows(rows)
        self._users_have_what_they_should(rows)
        self._assets_show_who_has_them()
        self._history_tells_who_had_what_when(rows)
        self.now += timedelta(microseconds=1)

    def _users_have_what_they_should(self, rows: Sequence[Assignment]) -> None:
        active = [row for row in rows if row.active]
        has = {row.user_id: row.asset_id for row in active}
        assert len(has) == len(active)
        assert has == self._expected()
        self.past.append((self.now, has))

    def _expected(self) -> dict[UUID, UUID]:
        users, assets = self.played.users, self.played.assets
        return {users[held.user]: assets[held.asset] for held in self.model.has.values()}

    def _assets_show_who_has_them(self) -> None:
        expected = {}
        for number, asset_id in enumerate(self.played.assets):
            user, since, holders = self.model.columns(number)
            user_id = None if user is None else self.played.users[user]
            expected[asset_id] = (user_id, since, holders)
        assert self.played.columns() == expected

    def _history_only_grows(self, rows: Sequence[Assignment]) -> None:
        """No row goes, and none changes but by ending, in each way once."""
        now = {row.id: row for row in rows}
        for ident, before in self.before.items():
            after = now[ident]
            if before.superseded_at is None:
                after = replace(after, superseded_at=None, superseded_by=None)
            if before.reverted_at is None:
                after = replace(after, reverted_at=None, reverted_by=None, revert_reason=None)
            assert after == before
        self.before = now

    def _history_tells_who_had_what_when(self, rows: Sequence[Assignment]) -> None:
        for moment, had in self.past:
            told = {row.user_id: row.asset_id for row in rows if _stood(row, moment)}
            assert told == had

    def _row_of(self, operation_id: UUID, user_id: UUID) -> Assignment:
        [row] = [
            row
            for row in self.played.all_rows()
            if (row.operation_id, row.user_id) == (operation_id, user_id)
        ]
        return row


def _stood(row: Assignment, moment: datetime) -> bool:
    ends = [end for end in (row.superseded_at, row.reverted_at) if end]
    return row.valid_from <= moment and all(moment < end for end in ends)


class InMemory(Memory):
    """The pure rules, on rows in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.users = [UUID(int=10 + number) for number in range(USERS)]
        self.assets = [UUID(int=20 + number) for number in range(ASSETS)]
        self.people = {ident: User(ident, known=True) for ident in self.users}
        self.films = {ident: Asset(ident, True, "completed") for ident in self.assets}

    def convert(self, asset_id: UUID, *, failed: bool) -> None:
        """An asset fails, or comes right."""
        status: ConversionStatus = "failed" if failed else "completed"
        self.films[asset_id] = Asset(asset_id, True, status)

    def switch(self, user_id: UUID, *, disabled: bool) -> None:
        """A user is disabled, or enabled."""
        self.people[user_id] = User(user_id, True, disabled)

    def all_rows(self) -> Sequence[Assignment]:
        """Every assignment there ever was."""
        return list(self.rows.values())

    def columns(self) -> dict[UUID, Shown]:
        """Who has each asset."""
        return {asset_id: self._shown(asset_id) for asset_id in self.assets}

    def _shown(self, asset_id: UUID) -> Shown:
        holders = [r for r in self.rows.values() if r.active and r.asset_id == asset_id]
        if not holders:
            return None, None, 0
        latest = max(holders, key=lambda row: (row.assigned_at, row.user_id))
        return latest.user_id, latest.assigned_at, len(holders)


class OnPostgres:
    """The service itself: its commands on its tables, each history in a tenant of its own."""

    def __init__(self, play: asyncio.Runner, world: World) -> None:
        self._run, self._world, self._versions = play.run, world, count(3)
        self.users = [self._run(world.user()) for _ in range(USERS)]
        self.assets = [self._run(world.asset()) for _ in range(ASSETS)]

    def _at(self, now: datetime, doing: Coroutine[Any, Any, T]) -> T:
        self._world.clock.moment = now
        return self._run(doing)

    def assign(self, asset_id: UUID, user_id: UUID, now: datetime) -> UUID | None:
        """Give a user an asset."""
        given = self._at(now, self._world.assign(asset_id, user_id))
        return given.operation.id if isinstance(given, Assigned) else None

    def bulk(self, asset_id: UUID, user_ids: Sequence[UUID], now: datetime) -> UUID | None:
        """Give users an asset."""
        return self._at(now, self._world.bulk(asset_id, user_ids)).operation.id

    def undo_newest(self, asset_id: UUID, now: datetime) -> UUID:
        """Undo the newest operation on an asset."""
        self._at(now, self._world.undo(asset_id))
        return self._newest()

    def undo(self, operation_id: UUID, now: datetime) -> UUID:
        """Undo an operation."""
        self._at(now, self._world.undo_operation(operation_id))
        return self._newest()

    def revert(self, user_id: UUID, assignment_id: UUID, now: datetime) -> UUID:
        """Revert an assignment."""
        outcome = self._at(now, self._world.revert(user_id, assignment_id))
        assert outcome.operation_id
        return outcome.operation_id

    def revert_operation(self, operation_id: UUID, now: datetime) -> UUID:
        """Revert an operation."""
        self._at(now, self._world.revert_operation(operation_id))
        return self._newest()

    def convert(self, asset_id: UUID, *, failed: bool) -> None:
        """An asset fails, or comes right."""
        status: ConversionStatus = "failed" if failed else "completed"
        self._run(self._world.convert(asset_id, status, version=next(self._versions)))

    def switch(self, user_id: UUID, *, disabled: bool) -> None:
        """A user is disabled, or enabled."""
        event = user_created(user_id, disabled=disabled, version=next(self._versions))
        self._run(self._world.learn(event))

    def all_rows(self) -> Sequence[Assignment]:
        """Every assignment there ever was."""
        return self._run(self._world.every_row())

    def columns(self) -> dict[UUID, Shown]:
        """Who has each asset."""
        states = self._run(self._world.states(self.assets))
        return {
            state.asset_id: (state.user_id, state.assigned_at, state.active_assignment_count)
            for state in states
        }

    def _newest(self) -> UUID:
        return self._run(self._world.newest_operation())


def run(set_up: Callable[[], Stage], histories: int, steps: int) -> None:
    """Play that many histories, each on a stage of its own; a failure names the seed.

    What ends a history once, and not when it is played again, is no finding but trouble from
    without, as when the test has taken too long: then that is what is raised.
    """
    number = int(os.environ.get("MARQUEE_TEST_SEED") or SystemRandom().getrandbits(32))
    chosen = settings(
        max_examples=histories * int(os.environ.get("MARQUEE_TEST_HISTORIES", "1")),
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    class Played(Histories):
        def __init__(self) -> None:
            super().__init__(set_up())

    try:
        run_state_machine_as_test(seed(number)(Played), settings=chosen)
    except Flaky as flaky:
        raise _first(flaky) from None
    except BaseException as error:
        error.add_note(f"MARQUEE_TEST_SEED={number} repeats this run.")
        raise


def _first(flaky: BaseException) -> BaseException:
    """What ended the history when it was played first."""
    if isinstance(flaky, BaseExceptionGroup):
        return flaky.exceptions[0]
    return flaky.__context__ or flaky


@BUSY
def test_the_rules_hold_in_any_history() -> None:
    run(InMemory, histories=2000, steps=20)


@BUSY
def test_the_service_holds_in_any_history(postgres: PostgresServer) -> None:
    with asyncio.Runner() as play:
        place = fresh_databases(postgres, "assignment")
        databases = play.run(place.__aenter__())
        try:
            world, tenants = World(databases, StillClock()), (f"t{n}" for n in count())
            databases["assignment"].clock = world.clock
            run(lambda: OnPostgres(play, world.at(next(tenants))), histories=200, steps=12)
        finally:
            play.run(place.__aexit__(None, None, None))


def test_what_ends_a_history_only_once_is_told_as_what_it_is() -> None:
    class BreaksOnce(InMemory):
        left = 0

        def all_rows(self) -> Sequence[Assignment]:
            BreaksOnce.left -= 1
            if BreaksOnce.left == -1:
                raise TimeoutError("from without")
            return super().all_rows()

    for moment in (0, 1, 60, 100):
        BreaksOnce.left = moment
        with pytest.raises(TimeoutError, match="from without"):
            run(BreaksOnce, histories=10, steps=20)
