"""What an administrator can order: convert again, stop, delete.

Jobs are locked before assets, as by workers.
"""

from __future__ import annotations

from uuid import UUID

from services.converter import assets, jobs
from services.converter.domain.retry import Failure
from services.converter.domain.status import IllegalTransition
from shared.contracts.converter import RestorationUnderWay
from shared.db import Tx

CANCELLED = Failure("cancelled", "The conversion was cancelled.", permanent=True)


async def retry(tx: Tx, asset_id: UUID) -> None:
    """Queue a failed conversion anew. Raises AssetNotFound, or IllegalTransition unless failed."""
    asset = await assets.hold(tx, asset_id)
    await assets.begin_again(tx, asset_id)
    original = (await jobs.origin(tx, asset_id)).input_path
    await jobs.add(tx, asset_id, original, asset["sha256"])


async def cancel(tx: Tx, asset_id: UUID) -> None:
    """End a conversion at once, as failed. Raises AssetNotFound, or IllegalTransition if ended."""
    stopped = await jobs.stop(tx, asset_id, CANCELLED)
    asset = await assets.hold(tx, asset_id)
    if not stopped:
        raise IllegalTransition(
            f"A conversion that is {asset['conversion_status']} cannot be cancelled."
        )
    await assets.give_up(tx, asset_id, CANCELLED)


async def delete(tx: Tx, asset_id: UUID, *, withdrawn: int) -> None:
    """Delete an asset softly; a conversion under way is cancelled, and all files are kept.

    Who has it is for others to know: they promise that nobody has it or will, but for what is
    restored in a version above ``withdrawn``. Raises AssetNotFound, or RestorationUnderWay if the
    promise does not hold for what is there.
    """
    stopped = await jobs.stop(tx, asset_id, CANCELLED)
    if (await assets.hold(tx, asset_id))["restored_version"] > withdrawn:
        raise RestorationUnderWay(f"Asset {asset_id} was restored a moment ago; ask again.")
    if stopped:
        await assets.give_up(tx, asset_id, CANCELLED)
    await assets.delete(tx, asset_id)


async def restore(tx: Tx, asset_id: UUID) -> None:
    """Bring a deleted asset back; of one that is there, nothing changes. Raises AssetNotFound.

    Its files were kept. What was withdrawn before is not deleted any more by late word of that.
    """
    if (await assets.presence(tx, asset_id))["deleted_at"] is not None:
        await assets.restore(tx, asset_id)


async def delete_withdrawn(tx: Tx, asset_id: UUID, version: int) -> None:
    """Delete what nobody will have any more, unless it was restored since ``version``.

    Raises AssetNotFound.
    """
    if version >= (await assets.presence(tx, asset_id))["restored_version"]:
        await delete(tx, asset_id, withdrawn=version)
