"""Promise that nobody has an asset or will be given it, so that its owner may delete it."""

from __future__ import annotations

from uuid import UUID

from services.assignment import store
from services.assignment.domain.model import missing
from shared.contracts.assignment import AssetWithdrawn
from shared.contracts.converter import AssetInUse
from shared.db import Tx


async def withdraw(tx: Tx, asset_id: UUID) -> bool:
    """Give an asset to nobody from now on; False if it was withdrawn before.

    The asset stays locked: an assignment under way either is counted here, or finds the asset
    withdrawn. Refuses an unknown asset, and one that somebody has.
    """
    asset = await store.hold_asset(tx, asset_id)
    if asset.deleted:
        return False
    if absence := missing(asset, await tx.now()):
        raise absence
    if holders := await store.count_holders(tx, asset_id):
        raise AssetInUse(f"{holders} users have asset {asset_id}.", active_assignment_count=holders)
    version = await store.withdraw_asset(tx, asset_id)
    tx.emit(AssetWithdrawn(asset_id=asset_id, asset_version=version))
    return True
