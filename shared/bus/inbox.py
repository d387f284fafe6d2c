"""The inbox: which messages a consumer has already handled, kept in its own transactions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from shared.db import Database, Tx

KEPT = timedelta(days=7)
"""How long a repeated message is recognised; far beyond any redelivery but a late replay."""


async def enter(tx: Tx, schema: str, consumer: str, ids: Iterable[UUID]) -> set[UUID]:
    """Note messages as handled by this transaction; return those that were not noted before.

    Waits for a twin that handles the same message right now. Sorted, so that twins cannot
    deadlock.
    """
    rows = await tx.connection.fetch(
        f"insert into {schema}.inbox (consumer, message_id) "
        "select $1, unnest($2::uuid[]) on conflict do nothing returning message_id",
        consumer,
        sorted(set(ids)),
    )
    return {row["message_id"] for row in rows}


async def sweep(database: Database, kept: timedelta = KEPT) -> int:
    """Forget messages handled longer ago than ``kept``; return how many."""
    tag: str = await database.pool.execute(
        f"delete from {database.schema}.inbox where received_at < clock_timestamp() - $1::interval",  # noqa: S608
        kept,
    )
    return int(tag.rpartition(" ")[2])
