"""Renditions: publishing each, and finding those that need not be made again.

A rendition refers to an object, which those of other assets with the same bytes may share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import get_args
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from services.converter import shelf
from services.converter.leases import Job
from services.converter.tables import admin_media_assets, rendition_objects, renditions
from shared.contracts.converter import Rendition, RenditionReady
from shared.db import Statement, Tx

_assets = admin_media_assets.c


@dataclass(frozen=True, slots=True)
class Output:
    """A stored and verified rendition, and the fingerprint of the recipe that made it."""

    rendition: Rendition
    object_key: str
    content_type: str
    size_bytes: int
    sha256: str
    recipe: str


_NEW = ("asset_id", *(field.name for field in fields(Output)), "token", "created_at")

_publish = Statement(
    insert(renditions)
    .values({name: bindparam(name) for name in _NEW})
    .on_conflict_do_nothing()
    .returning(literal(True))
)
_show = {
    kind: Statement(
        update(admin_media_assets)
        .where(_assets.id == bindparam("asset_id"))
        .values({f"{kind}_url": bindparam("object_key"), "version": _assets.version + 1})
    )
    for kind in get_args(Rendition)
}


async def publish(tx: Tx, job: Job, output: Output) -> None:
    """Let a rendition be seen, once; hold the job before.

    Raises StorageUnavailable if its object was collected meanwhile.
    """
    await shelf.refer(tx, output.object_key)
    new = await tx.fetchval(
        _publish,
        asset_id=job.asset_id,
        **asdict(output),
        token=job.token,
        created_at=await tx.now(),
    )
    if new:
        key = output.object_key
        await tx.execute(_show[output.rendition], asset_id=job.asset_id, object_key=key)
        tx.emit(RenditionReady(asset_id=job.asset_id, rendition=output.rendition, object_key=key))


_published = Statement(
    select(renditions.c.rendition, renditions.c.object_key).where(
        renditions.c.asset_id == bindparam("asset_id")
    )
)


async def published(tx: Tx, asset_id: UUID) -> dict[Rendition, str]:
    """Object keys of what can be seen already."""
    rows = await tx.fetch(_published, asset_id=asset_id)
    return {row["rendition"]: row["object_key"] for row in rows}


_same = admin_media_assets.alias("same")
_shared = Statement(
    select(*(renditions.c[field.name] for field in fields(Output)))
    .select_from(
        renditions.join(_same, _same.c.id == renditions.c.asset_id).join(
            rendition_objects, rendition_objects.c.object_key == renditions.c.object_key
        )
    )
    .where(
        _same.c.sha256 == bindparam("source"),
        renditions.c.recipe == any_(bindparam("recipes", type_=ARRAY(Text))),
        rendition_objects.c.abandoned.is_(False),
    )
    .order_by(renditions.c.created_at.desc())
    .limit(1)
)


async def shared(tx: Tx, source: str, recipes: Sequence[str]) -> Output | None:
    """What one of these recipes made of the same bytes before, for whichever asset."""
    row = await tx.fetchrow(_shared, source=source, recipes=recipes)
    return Output(**row) if row else None
