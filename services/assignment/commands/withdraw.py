"""Promise that nobody has an asset or will be given it, so that its owner may delete it."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from services.assignment import store
from services.assignment.domain.model import missing
from shared.contracts.assignment import AssetWithdrawn
from shared.contracts.converter import AssetInUse
from shared.db import Tx


class Promise(NamedTuple):
    """That nobody has an asset or will, unless it was restored in a version above this one."""

    asset_version: int
    anew: bool


async def withdraw(tx: Tx, asset_id: UUID) -> Promise:
    """Give an asset to nobody from now on; the promise is not ``anew`` if it was given before.

    The asset stays locked: an assignment under way either is counted here, or finds the asset
    withdrawn. Refuses an unknown asset, and one that somebody has.
    """
    asset, version = await store.hold_asset(tx, asset_id)
    if asset.deleted:
        return Promise(version, anew=False)
    if absence := missing(asset, await tx.now()):
        raise absence
    if holders := await store.count_holders(tx, asset_id):
        raise AssetInUse(f"{holders} users have asset {asset_id}.", active_assignment_count=holders)
    await store.withdraw_asset(tx, asset_id)
    tx.emit(AssetWithdrawn(asset_id=asset_id, asset_version=version))
    return Promise(version, anew=True)
