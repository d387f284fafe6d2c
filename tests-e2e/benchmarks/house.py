"""A product with people and finished assets in it, shared by the benchmarks that need no other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg

from benchmarks.load import Plan, Shot, fire
from benchmarks.stage import Product
from harness.clips import make_clip

_AT_ONCE = 16


@dataclass
class House:
    """Grows as it is asked for more; what it has is known to every service."""

    product: Product
    directory: Path
    _users: list[str] = field(default_factory=list)
    _assets: list[str] = field(default_factory=list)

    async def users(self, number: int) -> list[str]:
        """The ids of so many users."""
        missing = [
            Shot(
                "create", "POST", "/api/admin/users", {"email": f"{uuid4()}@b.example", "name": "B"}
            )
            for _ in range(number - len(self._users))
        ]
        if missing:
            await fire(self.plan([missing[lane::_AT_ONCE] for lane in range(_AT_ONCE)]))
            database = await asyncpg.connect(self.product.place.admin_dsn)
            rows = await database.fetch(
                "select id from identity.users where email like '%@b.example' order by id"
            )
            await database.close()
            self._users = [str(row["id"]) for row in rows]
            await self.product.settled()
        return self._users[:number]

    async def assets(self, number: int) -> list[str]:
        """The ids of so many converted assets."""
        client = self.product.client
        clip = self.directory / "small.mp4"
        if not clip.exists():
            await asyncio.to_thread(make_clip, clip, seconds=1, size="160x90")
        while len(self._assets) < number:
            ident = (await client.upload(clip))["id"]
            await client.completed(ident)
            self._assets.append(ident)
        await self.product.settled()
        return self._assets[:number]

    def plan(self, lanes: list[list[Shot]], **times: float) -> Plan:
        """What to ask the product, as its administrator."""
        client = self.product.client
        return Plan(client.url, lanes, client.headers(), **times)
