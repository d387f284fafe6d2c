"""What the benchmarks of assignments share: their baseline, in a world like the product's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from benchmarks.house import House
from benchmarks.stage import Bare, Stage, bare


@asynccontextmanager
async def bare_assignment(stage: Stage, house: House) -> AsyncIterator[Bare]:
    """The bare handlers, on the same tables with the same people and assets in them."""
    async with stage.database("assignment") as database:
        await furnish(house, database.admin_dsn)
        async with bare("assignment_bare", database.dsn) as plain:
            yield plain


async def furnish(house: House, dsn: str) -> None:
    """Let a database know the people and assets that the product's does."""
    source, target = (
        await asyncpg.connect(house.product.place.admin_dsn),
        await asyncpg.connect(dsn),
    )
    for table in ("users", "admins", "assets"):
        rows = await source.fetch(f"select * from assignment.{table}")
        await target.copy_records_to_table(
            table, schema_name="assignment", columns=list(rows[0].keys()), records=map(tuple, rows)
        )
    await source.close()
    await target.close()
