"""Assets: adding one, and moving its conversion on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import Record
from sqlalchemy import Uuid, bindparam, cast, insert, null, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.converter.domain.probe import Probe
from services.converter.domain.retry import Failure
from services.converter.domain.status import move
from services.converter.tables import admin_media_assets, admins, conversion_status_history
from shared.contracts.converter import (
    AssetDeleted,
    AssetNotFound,
    AssetRestored,
    AssetStatusChanged,
    AssetUploaded,
    ConversionStatus,
)
from shared.db import Statement, Tx

_assets = admin_media_assets.c


@dataclass(frozen=True, slots=True)
class NewAsset:
    """A stored upload; ``probe`` is what a glance told, if it told anything in time."""

    id: UUID
    title: str
    filename: str
    size_bytes: int
    sha256: str
    probe: Probe | None


_FACTS = ("width", "height", "duration_seconds")
_GIVEN = ("id", "title", "filename", "size_bytes", "sha256")

_creator = cast(bindparam("created_by"), Uuid)
_stub_admin = (
    upsert(admins)
    .from_select(["id"], select(_creator).where(_creator.is_not(None)))
    .on_conflict_do_nothing()
    .cte("stub")
)
_first_status = (
    insert(conversion_status_history)
    .values(
        asset_id=bindparam("id"),
        status="pending",
        changed_at=bindparam("created_at"),
        changed_by=bindparam("changed_by"),
    )
    .cte("first_status")
)
_add = Statement(
    insert(admin_media_assets)
    .values({name: bindparam(name) for name in (*_GIVEN, *_FACTS, "created_at", "created_by")})
    .add_cte(_stub_admin, _first_status)
    .returning(admin_media_assets)
)


async def add(tx: Tx, asset: NewAsset) -> Record:
    """A new asset, pending, by whoever acts; its row."""
    actor = tx.context.actor
    row = await tx.fetchrow(
        _add,
        **{name: getattr(asset, name) for name in _GIVEN},
        **_facts(asset.probe),
        created_at=await tx.now(),
        created_by=actor.id if actor.kind == "user" else None,
        changed_by=str(actor),
    )
    assert row is not None  # it was inserted
    tx.emit(
        AssetUploaded(
            asset_id=asset.id,
            title=asset.title,
            filename=asset.filename,
            size_bytes=asset.size_bytes,
            sha256=asset.sha256,
            version=1,
        )
    )
    return row


def _facts(probe: Probe | None) -> dict[str, Any]:
    size = probe.video.size if probe and probe.video else None
    return {
        "width": size.width if size else None,
        "height": size.height if size else None,
        "duration_seconds": probe.duration if probe else None,
    }


_learn = Statement(
    update(admin_media_assets)
    .where(_assets.id == bindparam("asset_id"))
    .values({name: bindparam(name) for name in _FACTS})
)


async def learn(tx: Tx, asset_id: UUID, probe: Probe) -> None:
    """Keep what the deep look told."""
    await tx.execute(_learn, asset_id=asset_id, **_facts(probe))


_status = Statement(
    select(_assets.conversion_status).where(_assets.id == bindparam("asset_id")).with_for_update()
)
_held = Statement(
    select(_assets.conversion_status, _assets.restored_version, _assets.sha256)
    .where(_assets.id == bindparam("asset_id"), _assets.deleted_at.is_(None))
    .with_for_update()
)


async def hold(tx: Tx, asset_id: UUID) -> Record:
    """What an order is judged by, kept as it is until the transaction ends.

    Raises AssetNotFound, also for a deleted asset.
    """
    row = await tx.fetchrow(_held, asset_id=asset_id)
    if row is None:
        raise AssetNotFound(f"There is no asset {asset_id}.")
    return row


_remember = (
    insert(conversion_status_history)
    .values(
        asset_id=bindparam("asset_id"),
        previous_status=bindparam("before"),
        status=bindparam("status"),
        error=bindparam("error"),
        error_code=bindparam("error_code"),
        changed_at=bindparam("changed_at"),
        changed_by=bindparam("changed_by"),
    )
    .cte("remembered")
)
_move = Statement(
    update(admin_media_assets)
    .where(_assets.id == bindparam("asset_id"))
    .values(
        conversion_status=bindparam("status"),
        conversion_error=bindparam("error"),
        conversion_error_code=bindparam("error_code"),
        progress=bindparam("percent"),
        version=_assets.version + 1,
    )
    .add_cte(_remember)
    .returning(_assets.version)
)


async def begin(tx: Tx, asset_id: UUID) -> None:
    """Processing from now on; nothing changes if an earlier attempt already said so.

    What is completed stays so while renditions that got lost are made again.
    """
    current = await tx.fetchval(_status, asset_id=asset_id)
    if current not in ("processing", "completed"):
        await _go(tx, asset_id, current, "processing", percent=0)


async def complete(tx: Tx, asset_id: UUID) -> None:
    """Every rendition is published."""
    current = await tx.fetchval(_status, asset_id=asset_id)
    if current != "completed":
        await _go(tx, asset_id, current, "completed", percent=100)


async def fail(tx: Tx, asset_id: UUID, failure: Failure, *, percent: int) -> None:
    """No more attempts; what is completed has all the same what it had."""
    current = await tx.fetchval(_status, asset_id=asset_id)
    if current != "completed":
        await _go(tx, asset_id, current, "failed", percent=percent, failure=failure)


async def begin_again(tx: Tx, asset_id: UUID) -> None:
    """Pending once more, by whoever acts. Raises IllegalTransition unless it failed."""
    current = await tx.fetchval(_status, asset_id=asset_id)
    await _go(tx, asset_id, current, "pending", percent=0, by_hand=True)


async def give_up(tx: Tx, asset_id: UUID, reason: Failure) -> None:
    """Failed, by whoever acts; one that still waits goes by way of processing, as all that end."""
    await begin(tx, asset_id)
    await fail(tx, asset_id, reason, percent=0)


_delete = Statement(
    update(admin_media_assets)
    .where(_assets.id == bindparam("asset_id"))
    .values(deleted_at=bindparam("now"), version=_assets.version + 1)
    .returning(_assets.version)
)


async def delete(tx: Tx, asset_id: UUID) -> None:
    """Gone, but for those who ask for deleted ones; hold it before."""
    version = await tx.fetchval(_delete, asset_id=asset_id, now=await tx.now())
    tx.emit(AssetDeleted(asset_id=asset_id, version=version))


_presence = Statement(
    select(_assets.deleted_at, _assets.restored_version)
    .where(_assets.id == bindparam("asset_id"))
    .with_for_update()
)
_restore = Statement(
    update(admin_media_assets)
    .where(_assets.id == bindparam("asset_id"))
    .values(
        deleted_at=null(),
        version=_assets.version + 1,
        restored_version=_assets.version + 1,
    )
    .returning(_assets.version)
)


async def presence(tx: Tx, asset_id: UUID) -> Record:
    """When an asset was deleted, if so, and which version was last restored; keeps both.

    Raises AssetNotFound for one that never was.
    """
    row = await tx.fetchrow(_presence, asset_id=asset_id)
    if row is None:
        raise AssetNotFound(f"There is no asset {asset_id}.")
    return row


async def restore(tx: Tx, asset_id: UUID) -> None:
    """There again, as it was when it was deleted."""
    version = await tx.fetchval(_restore, asset_id=asset_id)
    tx.emit(AssetRestored(asset_id=asset_id, version=version))


async def _go(
    tx: Tx,
    asset_id: UUID,
    current: ConversionStatus,
    target: ConversionStatus,
    *,
    percent: int,
    failure: Failure | None = None,
    by_hand: bool = False,
) -> None:
    version = await tx.fetchval(
        _move,
        asset_id=asset_id,
        before=current,
        status=move(current, target, by_hand=by_hand),
        error=failure.message if failure else None,
        error_code=failure.code if failure else None,
        percent=percent,
        changed_at=await tx.now(),
        changed_by=str(tx.context.actor),
    )
    tx.emit(
        AssetStatusChanged(
            asset_id=asset_id,
            status=target,
            previous_status=current,
            error=failure.message if failure else None,
            error_code=failure.code if failure else None,
            version=version,
        )
    )


_progress = Statement(
    update(admin_media_assets)
    .where(_assets.id == bindparam("asset_id"), _assets.progress < bindparam("percent"))
    .values(progress=bindparam("percent"))
)


async def progress(tx: Tx, asset_id: UUID, percent: int) -> None:
    """Note how far the conversion is; it never goes back."""
    await tx.execute(_progress, asset_id=asset_id, percent=percent)
