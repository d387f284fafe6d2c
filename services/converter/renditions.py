"""Renditions: publishing each, and finding those that need not be made again.

A rendition refers to an object, which those of other assets with the same bytes may share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import get_args
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Text,
    any_,
    bindparam,
    column,
    func,
    literal_column,
    or_,
    select,
    update,
)
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


_OUTPUT = tuple(field.name for field in fields(Output))
_KINDS: tuple[Rendition, ...] = get_args(Rendition)

_new = (
    func.unnest(*(bindparam(name, type_=ARRAY(renditions.c[name].type)) for name in _OUTPUT))
    .table_valued(*(column(name, renditions.c[name].type) for name in _OUTPUT), name="new")
    .render_derived()
)
_RECORDED = ("asset_id", "token", "created_at")
_publish = Statement(
    insert(renditions)
    .from_select(
        [*_OUTPUT, *_RECORDED],
        select(*_new.c, *(bindparam(name, type_=renditions.c[name].type) for name in _RECORDED)),
    )
    .on_conflict_do_nothing()
    .returning(renditions.c.rendition)
)
_show = Statement(
    update(admin_media_assets)
    .where(_assets.id == bindparam("asset_id"))
    .values(
        {
            f"{kind}_url": func.coalesce(bindparam(kind, type_=Text), _assets[f"{kind}_url"])
            for kind in _KINDS
        }
        | {"version": _assets.version + bindparam("number", type_=Integer)}
    )
)


async def publish(tx: Tx, job: Job, outputs: Sequence[Output]) -> None:
    """Let renditions be seen, each once; hold the job before.

    Raises StorageUnavailable if the object of one was collected meanwhile.
    """
    keys = {output.rendition: output.object_key for output in outputs}
    await shelf.refer(tx, keys.values())
    rows = await tx.fetch(
        _publish,
        asset_id=job.asset_id,
        token=job.token,
        created_at=await tx.now(),
        **{name: [getattr(output, name) for output in outputs] for name in _OUTPUT},
    )
    new = {row["rendition"] for row in rows}
    if not new:
        return
    shown = {kind: keys[kind] if kind in new else None for kind in _KINDS}
    await tx.execute(_show, asset_id=job.asset_id, number=len(new), **shown)
    for kind, key in keys.items():
        if kind in new:
            tx.emit(RenditionReady(asset_id=job.asset_id, rendition=kind, object_key=key))


_published = Statement(
    select(renditions.c.rendition, renditions.c.object_key).where(
        renditions.c.asset_id == bindparam("asset_id")
    )
)


async def published(tx: Tx, asset_id: UUID) -> dict[Rendition, str]:
    """Object keys of what can be seen already."""
    rows = await tx.fetch(_published, asset_id=asset_id)
    return {row["rendition"]: row["object_key"] for row in rows}


_MANY: ColumnElement[int] = literal_column("10")
_same = (
    select(_assets.id)
    .where(
        _assets.sha256 == bindparam("source"),
        or_(*(_assets[f"{kind}_url"].is_not(None) for kind in _KINDS)),
    )
    .order_by(_assets.created_at.desc())
    .limit(_MANY)
    .subquery("same")
)
"""Assets of these bytes that have something: with a thousand of them, the newest tell enough."""

_shared = Statement(
    select(*(renditions.c[name] for name in _OUTPUT))
    .distinct(renditions.c.rendition)
    .select_from(
        renditions.join(_same, _same.c.id == renditions.c.asset_id).join(
            rendition_objects, rendition_objects.c.object_key == renditions.c.object_key
        )
    )
    .where(
        renditions.c.recipe == any_(bindparam("recipes", type_=ARRAY(Text))),
        rendition_objects.c.abandoned.is_(False),
    )
    .order_by(renditions.c.rendition, renditions.c.created_at.desc())
)


async def shared(tx: Tx, source: str, recipes: Sequence[str]) -> list[Output]:
    """What these recipes made of the same bytes before, for whichever asset; one of each kind."""
    rows = await tx.fetch(_shared, source=source, recipes=recipes)
    return [Output(**row) for row in rows]
