"""Publishes the state of every asset that commands have touched, once for many commands."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, delete, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from services.assignment import queries
from services.assignment.tables import asset_states, dirty_assets
from shared.contracts.assignment import AssetStateChanged
from shared.contracts.context import Context
from shared.db import Database, Statement, Tx

POLL = 0.25
"""Seconds between looks for the marks of other processes."""

GATHER = 0.02
"""Seconds to wait after being woken, so that commands in a burst share one computation."""

BATCH = 1000
"""Marks in one transaction."""

_tenants = Statement(select(dirty_assets.c.tenant_id).distinct())

_next_marks = (
    select(dirty_assets.c.seq)
    .where(dirty_assets.c.tenant_id == bindparam("tenant"))
    .order_by(dirty_assets.c.seq)
    .limit(literal_column(str(BATCH)))
    .with_for_update(skip_locked=True)
    .cte("next_marks")
)
_take_marks = Statement(
    delete(dirty_assets)
    .where(dirty_assets.c.tenant_id == bindparam("tenant"), dirty_assets.c.seq == _next_marks.c.seq)
    .returning(dirty_assets.c.asset_id)
)

_next_versions = insert(asset_states).from_select(
    ["asset_id", "version"],
    select(func.unnest(bindparam("asset_ids", type_=ARRAY(Uuid))), literal_column("1")),
)
_raise_versions = Statement(
    _next_versions.on_conflict_do_update(
        index_elements=[asset_states.c.tenant_id, asset_states.c.asset_id],
        set_={"version": asset_states.c.version + 1},
    ).returning(asset_states.c.asset_id, asset_states.c.version)
)


class Projector:
    """Turns marks into one ``AssetStateChanged`` an asset. Any number of them may run at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There are new marks; call it after the commit."""
        self._woken.set()

    async def run(self) -> None:
        """Sweep whenever woken, and regularly for what others have marked."""
        while True:
            await self._rest()
            await self.sweep()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self._woken.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER)
        self._woken.clear()

    async def sweep(self) -> None:
        """Publish the state of all assets marked before the call."""
        async with self._database.system_transaction() as tx:
            tenants = [row["tenant_id"] for row in await tx.fetch(_tenants)]
        for tenant in tenants:
            while await self._publish(tenant) == BATCH:
                pass

    async def _publish(self, tenant: str) -> int:
        async with self._database.transaction(Context(tenant)) as tx:
            marks = await tx.fetch(_take_marks, tenant=tenant)
            if marks:
                await _publish_states(tx, sorted({mark["asset_id"] for mark in marks}))
        return len(marks)


async def _publish_states(tx: Tx, asset_ids: list[UUID]) -> None:
    """Compute after raising the versions: the raise locks the assets against other projectors.

    So a higher version never tells of an older state, and a mark that is committed meanwhile is
    not among those taken and leads to the next version.
    """
    raised = await tx.fetch(_raise_versions, asset_ids=asset_ids)
    versions = {row["asset_id"]: row["version"] for row in raised}
    for state in await queries.asset_states(tx, asset_ids):
        tx.emit(AssetStateChanged(**asdict(state), version=versions[state.asset_id]))
