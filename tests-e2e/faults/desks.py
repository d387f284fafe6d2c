"""Administrators at work: each assigns, undoes and assigns in bulk for people of their own.

Nobody else touches those people, so who has what follows from the answers alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from faults.history import Call, Caller

_PAUSE = (0.02, 0.15)


@dataclass
class Desk:
    """``holds`` says who must have which asset; ``last`` is the call that could be undone."""

    caller: Caller
    assets: Sequence[str]
    random: Random
    people: list[str] = field(default_factory=list)
    holds: dict[str, str | None] = field(default_factory=dict)
    last: Call | None = None
    before: dict[str, str | None] = field(default_factory=dict)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, people: int) -> None:
        """Create the people."""
        for number in range(people):
            ident = await self.create(f"{number}")
            self.people.append(ident)
            self.holds[ident] = None

    async def work(self) -> None:
        """Do one thing after the other, until asked to stop."""
        while not self.closing.is_set():
            (what,) = self.random.choices(
                (self.assign, self.undo, self.bulk, self.hire), weights=(60, 20, 15, 5)
            )
            async with self.turn:
                await what()
            await asyncio.sleep(self.random.uniform(*_PAUSE))

    async def create(self, name: str) -> str:
        """A new person, who has nothing; return the id."""
        email = f"{self.caller.name}-{name}-{self.random.getrandbits(48):012x}@example.com"
        body = {"email": email, "name": name}
        call = await self.caller.call("create", "/api/admin/users", body, about={"email": email})
        return str(call.answer["id"])

    async def hire(self) -> None:
        """One more person, who is given nothing: word of them may be held up by an outage."""
        await self.create("new")

    async def assign(self) -> None:
        """Give somebody something."""
        asset, person = self.random.choice(self.assets), self.random.choice(self.people)
        path = f"/api/admin/assets/{asset}/assign"
        about = {"asset_id": asset, "user_ids": [person]}
        call = await self.caller.call("assign", path, {"user_id": person}, about=about)
        self._given(call, asset, [person])

    async def bulk(self) -> None:
        """Give several people something."""
        asset = self.random.choice(self.assets)
        people = self.random.sample(self.people, self.random.randint(2, len(self.people)))
        about = {"asset_id": asset, "user_ids": people}
        path = "/api/admin/assets/bulk-assign"
        call = await self.caller.call("bulk", path, about, about=about)
        self._given(call, asset, people)

    async def undo(self) -> None:
        """Take back the last thing done here, if anything is left to take back."""
        done, self.last = self.last, None
        if done is None:
            return
        operation = done.answer["operation_id"]
        path = f"/api/admin/assets/{done.about['asset_id']}/undo-assign"
        about = {"undoes": operation}
        call = await self.caller.call("undo", path, {"operation_id": operation}, about=about)
        if call.outcome == "ok":
            self.holds |= self.before

    def _given(self, call: Call, asset: str, people: Sequence[str]) -> None:
        if call.outcome == "ok":
            changed = {who: self.holds[who] for who in people if self.holds[who] != asset}
            self.last, self.before = (call, changed) if changed else (None, {})
            self.holds |= dict.fromkeys(people, asset)
