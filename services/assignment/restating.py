"""Tells again who has what."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from asyncpg import Record
from sqlalchemy import bindparam, select

from services.assignment import queries
from services.assignment.tables import asset_states, assets
from shared.contracts.assignment import AssetStateChanged, AssetWithdrawn
from shared.contracts.maintenance import AssignmentMaintained
from shared.db import Database, Statement, Tx
from shared.operating.restating import PAGE, Restating, Telling, in_pages

_states_after = Statement(
    select(asset_states.c.asset_id, asset_states.c.version)
    .where(asset_states.c.asset_id > bindparam("after"))
    .order_by(asset_states.c.asset_id)
    .limit(bindparam("count"))
)
_withdrawn_after = Statement(
    select(assets.c.id, assets.c.presence_version)
    .where(assets.c.id > bindparam("after"), assets.c.deleted_at.is_not(None))
    .order_by(assets.c.id)
    .limit(bindparam("count"))
)


async def tell_states(tx: Tx, queue: str) -> int:
    """Who has each asset, under the version that was published last.

    Should a change be on its way, the next version tells of it too.
    """
    told, after = 0, UUID(int=0)
    while rows := await tx.fetch(_states_after, after=after, count=PAGE):
        versions = {row["asset_id"]: row["version"] for row in rows}
        for state in await queries.asset_states(tx, list(versions)):
            tx.emit(AssetStateChanged(**asdict(state), version=versions[state.asset_id]), to=queue)
        await tx.flush()
        told, after = told + len(rows), rows[-1]["asset_id"]
    return told


async def tell_withdrawals(tx: Tx, queue: str) -> int:
    """Which assets nobody will be given again; who owns them deletes those that are left."""
    return await in_pages(tx, _withdrawn_after, _withdrawn, queue)


def _withdrawn(asset: Record) -> AssetWithdrawn:
    return AssetWithdrawn(asset_id=asset["id"], asset_version=asset["presence_version"])


def restating(database: Database) -> Restating:
    """The converter shows who has an asset."""
    told: dict[str, Telling] = {"states": tell_states, "withdrawals": tell_withdrawals}
    return Restating("assignment", database, AssignmentMaintained, {"converter": told})
