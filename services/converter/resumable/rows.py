"""Uploads under way, and the parts they have so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from asyncpg import Record
from sqlalchemy import Text, bindparam, delete, func, insert, null, select, update

from services.converter.domain.tus import (
    Metadata,
    OffsetMismatch,
    TooManyParts,
    TooManyUploads,
    UploadGone,
    UploadNotFound,
)
from services.converter.tables import upload_parts, uploads
from shared.db import Statement, Tx

PATIENCE = timedelta(hours=24)
"""How long an upload waits for more; and how long it is remembered how it ended."""

MOST_PARTS = 2000
"""So many are fetched one by one at the end; a request of 256 KiB each reaches 500 MiB."""

_CROWDED_SECONDS = 60

Ending = Literal["completed", "terminated", "refused", "expired"]

_GONE: dict[str, str] = {
    "terminated": "The upload was terminated.",
    "refused": "The upload was refused",
    "expired": "The upload has expired: nothing came for 24 hours.",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload: all bytes before ``offset`` are safe; once complete it has an ``asset_id``."""

    id: UUID
    tenant: str
    length: int
    offset: int
    metadata: Metadata
    created_at: datetime
    expires_at: datetime
    ended: Ending | None
    asset_id: UUID | None


@dataclass(frozen=True, slots=True)
class Part:
    """Stored bytes that begin at ``start``."""

    start: int
    size: int
    object_key: str


_columns = uploads.c
_this = _columns.id == bindparam("upload_id")
_is_open = _columns.ended.is_(None)
_follows = _columns.received == bindparam("start")

_begin = Statement(
    insert(uploads)
    .values(
        {
            name: bindparam(name)
            for name in ("id", "length", "metadata", "filename", "title", "created_at")
        }
        | {"created_by": bindparam("created_by"), "expires_at": bindparam("expires_at")}
    )
    .returning(uploads)
)
_take_turn = Statement(
    select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("what", type_=Text), 0)))
)
_count_open = Statement(
    select(func.count()).where(
        _columns.tenant_id == bindparam("tenant"),
        _is_open,
        _columns.expires_at > bindparam("now"),
    )
)
_find = Statement(select(uploads).where(_this))
_extend = Statement(
    update(uploads)
    .where(_this, _is_open, _follows)
    .values(
        received=_columns.received + bindparam("size"),
        parts=_columns.parts + 1,
        expires_at=bindparam("expires_at"),
    )
    .returning(uploads)
)
_add_part = Statement(
    insert(upload_parts).values(
        {name: bindparam(name) for name in ("upload_id", "start", "size_bytes", "object_key")}
    )
)
_complete = Statement(
    update(uploads)
    .where(_this, _is_open, _follows)
    .values(
        received=_columns.length,
        ended="completed",
        ended_at=bindparam("now"),
        asset_id=bindparam("asset_id"),
    )
)
_terminate = Statement(
    update(uploads).where(_this, _is_open).values(ended="terminated", ended_at=bindparam("now"))
)
_refuse = Statement(
    update(uploads)
    .where(_this, _is_open, _follows)
    .values(ended="refused", ended_at=bindparam("now"), reason=bindparam("reason"))
)
_forget_completed = Statement(
    update(uploads)
    .where(_this, _columns.ended == "completed")
    .values(ended="terminated", asset_id=null())
)
_parts = Statement(
    select(upload_parts)
    .where(upload_parts.c.upload_id == bindparam("upload_id"))
    .order_by(upload_parts.c.start)
)
_drop_parts = Statement(delete(upload_parts).where(upload_parts.c.upload_id == bindparam("id")))
_cleaned = Statement(update(uploads).where(_columns.id == bindparam("id")).values(cleaned=True))


async def begin(tx: Tx, length: int, metadata: Metadata, *, most: int) -> Upload:
    """A new upload, by whoever acts. Raises TooManyUploads if ``most`` are under way."""
    await tx.execute(_take_turn, what=f"converter.uploads:{tx.context.tenant}")
    now = await tx.now()
    if await tx.fetchval(_count_open, tenant=tx.context.tenant, now=now) >= most:
        raise TooManyUploads(
            f"{most} uploads are under way; finish or end some.", retry_after=_CROWDED_SECONDS
        )
    row = await tx.fetchrow(
        _begin,
        id=tx.new_id(),
        length=length,
        metadata=metadata.raw,
        filename=metadata.filename,
        title=metadata.title,
        created_at=now,
        created_by=str(tx.context.actor),
        expires_at=now + PATIENCE,
    )
    assert row is not None
    return _upload(row)


async def find(tx: Tx, ident: UUID) -> Upload:
    """An upload that is open or complete. Raises UploadNotFound or UploadGone."""
    row = await tx.fetchrow(_find, upload_id=ident)
    if row is None:
        raise UploadNotFound(f"There is no upload {ident}.")
    ended = row["ended"]
    if ended is None and row["expires_at"] <= await tx.now():
        ended = "expired"
    if ended in _GONE:
        raise UploadGone(f"{_GONE[ended]}: {row['reason']}" if row["reason"] else _GONE[ended])
    return _upload(row)


async def extend(tx: Tx, upload: Upload, part: Part) -> Upload:
    """Keep a part if it still follows. Raises OffsetMismatch, UploadGone or TooManyParts."""
    row = await tx.fetchrow(
        _extend,
        upload_id=upload.id,
        start=part.start,
        size=part.size,
        expires_at=await tx.now() + PATIENCE,
    )
    if row is None:
        raise await _mismatch(tx, upload.id, part.start)
    if row["parts"] > MOST_PARTS:
        raise TooManyParts(f"An upload may have {MOST_PARTS} pieces; send larger ones.")
    await tx.execute(
        _add_part,
        upload_id=upload.id,
        start=part.start,
        size_bytes=part.size,
        object_key=part.object_key,
    )
    return _upload(row)


async def complete(tx: Tx, upload: Upload, asset_id: UUID) -> None:
    """All of it is here, as this asset. Raises OffsetMismatch or UploadGone if it moved on."""
    done = await tx.execute(
        _complete,
        upload_id=upload.id,
        start=upload.offset,
        now=await tx.now(),
        asset_id=asset_id,
    )
    if not done:
        raise await _mismatch(tx, upload.id, upload.offset)


async def refuse(tx: Tx, upload: Upload, reason: str) -> None:
    """Take no more. Raises OffsetMismatch or UploadGone if it moved on."""
    done = await tx.execute(
        _refuse, upload_id=upload.id, start=upload.offset, now=await tx.now(), reason=reason
    )
    if not done:
        raise await _mismatch(tx, upload.id, upload.offset)


async def terminate(tx: Tx, ident: UUID) -> None:
    """End an upload, or forget that it is complete; its asset stays. Raises what ``find`` does."""
    await find(tx, ident)
    if not await tx.execute(_terminate, upload_id=ident, now=await tx.now()):
        await tx.execute(_forget_completed, upload_id=ident)


async def parts(tx: Tx, ident: UUID) -> list[Part]:
    """What is stored, in order."""
    rows = await tx.fetch(_parts, upload_id=ident)
    return [Part(row["start"], row["size_bytes"], row["object_key"]) for row in rows]


async def cleaned(tx: Tx, ident: UUID) -> None:
    """Nothing of it is stored any more."""
    await tx.execute(_drop_parts, id=ident)
    await tx.execute(_cleaned, id=ident)


def mismatch(upload: Upload, offset: int) -> OffsetMismatch:
    """What is said to somebody who would go on at another place."""
    return OffsetMismatch(
        f"The upload goes on at {upload.offset}, not at {offset}.",
        offset=upload.offset,
        asset_id=upload.asset_id,
    )


async def _mismatch(tx: Tx, ident: UUID, offset: int) -> OffsetMismatch:
    return mismatch(await find(tx, ident), offset)


def _upload(row: Record) -> Upload:
    return Upload(
        id=row["id"],
        tenant=row["tenant_id"],
        length=row["length"],
        offset=row["received"],
        metadata=Metadata(row["metadata"], row["filename"], row["title"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        ended=row["ended"],
        asset_id=row["asset_id"],
    )
