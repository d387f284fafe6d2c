"""What assigning and taking back should come to, in the fewest words: the tests' own opinion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from services.assignment.domain.assign import UNDO_WINDOW


@dataclass(eq=False)
class Held:
    """A user is given an asset at a time; ``before`` is what an undo brings back, itself."""

    user: int
    asset: int
    since: datetime
    before: Held | None
    until_undo: datetime | None
    taken_back: bool = False


@dataclass(eq=False)
class Deed:
    """An operation and what it gave; an undo gives nothing new."""

    asset: int
    gave: list[Held]
    until_undo: datetime | None = None
    taken_back: bool = False


class Columns(NamedTuple):
    """The latest user of an asset, since when, and how many have it."""

    user: int | None
    since: datetime | None
    holders: int


@dataclass
class Model:
    """What each user has, and every operation that was done."""

    has: dict[int, Held] = field(default_factory=dict)
    deeds: list[Deed] = field(default_factory=list)
    failed: set[int] = field(default_factory=set)
    disabled: set[int] = field(default_factory=set)

    def assign(self, asset: int, users: Sequence[int], now: datetime, *, bulk: bool = False) -> str:
        """Give users an asset, all or none."""
        if asset in self.failed:
            return "asset_not_completed"
        if self.disabled & set(users):
            return "bulk_refused" if bulk else "user_disabled"
        changing = [user for user in dict.fromkeys(users) if self._asset_of(user) != asset]
        until = now + UNDO_WINDOW if changing else None
        gave = [Held(user, asset, now, self.has.get(user), until) for user in changing]
        if gave or bulk:
            self.deeds.append(Deed(asset, gave, until))
        self.has |= {held.user: held for held in gave}
        return "done"

    def undo_newest(self, asset: int, now: datetime) -> str:
        """Undo the newest operation on an asset."""
        for deed in reversed(self.deeds):
            if deed.asset == asset and deed.until_undo and not deed.taken_back:
                return self.undo(deed, now)
        return "nothing_to_undo"

    def undo(self, deed: Deed, now: datetime) -> str:
        """Undo an operation: who still has what it gave has again what was before."""
        if deed.taken_back or deed.until_undo is None:
            return "nothing_to_undo"
        if now > deed.until_undo:
            return "undo_window_expired"
        standing = [held for held in deed.gave if self._stands(held)]
        if not standing:
            return "changed_since"
        for held in standing:
            held.taken_back = True
            self._let_have(held.user, held.before if self._possible(held.before) else None)
        deed.taken_back = True
        self.deeds.append(Deed(deed.asset, []))
        return "done"

    def revert(self, held: Held, now: datetime) -> str:
        """Revert what a user was given, however long ago."""
        if held.taken_back:
            return "already_reverted"
        if held.until_undo and now <= held.until_undo:
            return "undo_window_open"
        self.deeds.append(Deed(held.asset, self._go_back(held, now)))
        return "done"

    def revert_operation(self, deed: Deed, now: datetime) -> str:
        """Revert an operation for who still has what it gave."""
        if not deed.gave:
            return "not_revertible"
        if deed.taken_back or all(held.taken_back for held in deed.gave):
            return "already_reverted"
        if deed.until_undo and now <= deed.until_undo:
            return "undo_window_open"
        standing = [held for held in deed.gave if self._stands(held)]
        if not standing:
            return "changed_since"
        gave = [new for held in standing for new in self._go_back(held, now)]
        deed.taken_back = True
        self.deeds.append(Deed(deed.asset, gave))
        return "done"

    def columns(self, asset: int) -> Columns:
        """What is told of an asset."""
        holders = [held for held in self.has.values() if held.asset == asset]
        if not holders:
            return Columns(None, None, 0)
        latest = max(holders, key=lambda held: (held.since, held.user))
        return Columns(latest.user, latest.since, len(holders))

    def _go_back(self, held: Held, now: datetime) -> list[Held]:
        stands, current = self._stands(held), self.has.get(held.user)
        back = held.before if self._possible(held.before) else None
        held.taken_back = True
        if not stands and self._asset_of(held.user) == (back and back.asset):
            return []
        new = Held(held.user, back.asset, now, current, None) if back else None
        self._let_have(held.user, new)
        return [new] if new else []

    def _let_have(self, user: int, held: Held | None) -> None:
        self.has.pop(user, None)
        if held:
            self.has[user] = held

    def _stands(self, held: Held) -> bool:
        return self.has.get(held.user) is held and not held.taken_back

    def _asset_of(self, user: int) -> int | None:
        held = self.has.get(user)
        return held.asset if held else None

    def _possible(self, held: Held | None) -> bool:
        return held is not None and held.asset not in self.failed and held.user not in self.disabled
