"""The outbox: events committed together with the change they tell of, until the bus has them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from shared.contracts.envelope import Message
from shared.db import Database

BATCH = 200
"""Rows that an adapter moves at once; when there were fewer, no more are waiting."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """The outbox of one schema.

    Rows are taken by being there, never by a cursor: sequence numbers are handed out before the
    commit, so a cursor would pass over whoever commits late.
    """

    schema: str
    database: Database

    async def batch(self, limit: int, without: Collection[str] = ()) -> list[Message]:
        """The oldest messages, passing over the event names in ``without``."""
        rows = await self.database.pool.fetch(
            f"select id, type, headers, payload from {self.schema}.outbox "  # noqa: S608
            "where type <> all($1::text[]) order by seq limit $2",
            list(without),
            limit,
        )
        return [
            Message(row["id"], row["type"], orjson.loads(row["headers"]), row["payload"])
            for row in rows
        ]

    async def forget(self, ids: Sequence[UUID]) -> None:
        """Delete what the bus has taken over."""
        if ids:
            await self.database.pool.execute(
                f"delete from {self.schema}.outbox where id = any($1::uuid[])",  # noqa: S608
                list(ids),
            )
