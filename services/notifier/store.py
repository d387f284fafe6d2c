"""Numbering, reading and forgetting notices, one statement a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from asyncpg import Record
from sqlalchemy import (
    BigInteger,
    DateTime,
    Text,
    Uuid,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from services.notifier.domain.notice import Notice, Stream
from services.notifier.tables import events, streams
from shared.db import Statement, Tx

_told = (events.c.offset, events.c.id, events.c.type, events.c.time, events.c.data, events.c.topics)

_new_stream = upsert(streams).values(
    tenant_id=bindparam("tenant"),
    epoch=bindparam("epoch"),
    last_offset=bindparam("count"),
    pruned_offset=literal_column("0"),
)
_begin = Statement(_new_stream.on_conflict_do_nothing())
_advance = Statement(
    _new_stream.on_conflict_do_update(
        index_elements=[streams.c.tenant_id],
        set_={"last_offset": streams.c.last_offset + _new_stream.excluded.last_offset},
    ).returning(streams.c.last_offset, func.clock_timestamp().label("now"))
)
_stream = Statement(
    select(streams.c.epoch, streams.c.last_offset, streams.c.pruned_offset).where(
        streams.c.tenant_id == bindparam("tenant")
    )
)

_new = (
    func.unnest(
        bindparam("offsets", type_=ARRAY(BigInteger)),
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("types", type_=ARRAY(Text)),
        bindparam("times", type_=ARRAY(DateTime(timezone=True))),
        bindparam("data", type_=ARRAY(Text)),
        bindparam("topics", type_=ARRAY(Text)),
    )
    .table_valued("offset", "id", "type", "time", "data", "topics", name="new")
    .render_derived()
)
_add = Statement(
    insert(events).from_select(
        ["tenant_id", "offset", "id", "type", "time", "data", "topics", "stored_at"],
        select(
            bindparam("tenant", type_=Text),
            _new.c.offset,
            _new.c.id,
            _new.c.type,
            _new.c.time,
            cast(_new.c.data, JSONB),
            func.string_to_array(_new.c.topics, literal_column("' '")),
            bindparam("stored_at", type_=DateTime(timezone=True)),
        ),
    )
)

_told_already = (
    select(*_told)
    .where(
        events.c.tenant_id == bindparam("tenant"),
        events.c.offset > bindparam("after"),
        events.c.offset <= bindparam("upto"),
    )
    .order_by(events.c.offset)
    .limit(bindparam("count"))
)
_between = Statement(_told_already)
_between_of_topics = Statement(
    _told_already.where(events.c.topics.overlap(bindparam("topics", type_=ARRAY(Text))))
)

_tails = (
    func.unnest(
        bindparam("tenants", type_=ARRAY(Text)), bindparam("offsets", type_=ARRAY(BigInteger))
    )
    .table_valued("tenant_id", "offset", name="tails")
    .render_derived()
)
_next = (
    select(*_told)
    .where(events.c.tenant_id == _tails.c.tenant_id, events.c.offset > _tails.c.offset)
    .order_by(events.c.offset)
    .limit(bindparam("count"))
    .lateral("next")
)
_news = Statement(
    select(streams.c.tenant_id, streams.c.epoch, streams.c.last_offset, *_next.c)
    .select_from(_tails)
    .join(streams, streams.c.tenant_id == _tails.c.tenant_id)
    .outerjoin(_next, true())
    .order_by(streams.c.tenant_id, _next.c.offset)
)

_gone = (
    delete(events)
    .where(
        events.c.tenant_id == streams.c.tenant_id,
        events.c.offset <= streams.c.last_offset - bindparam("keep", type_=BigInteger),
        events.c.stored_at < bindparam("before", type_=DateTime(timezone=True)),
    )
    .returning(events.c.tenant_id, events.c.offset)
    .cte("gone")
)
_last_gone = (
    select(_gone.c.tenant_id, func.max(_gone.c.offset).label("offset"))
    .group_by(_gone.c.tenant_id)
    .cte("last_gone")
)
_prune = Statement(
    update(streams)
    .where(streams.c.tenant_id == _last_gone.c.tenant_id)
    .values(pruned_offset=func.greatest(streams.c.pruned_offset, _last_gone.c.offset))
)


@dataclass(frozen=True, slots=True)
class News:
    """What a tenant's stream says to a replica that has told everything up to some offset."""

    tenant: str
    epoch: UUID
    last_offset: int
    notices: list[Notice]


async def number(tx: Tx, notices: Mapping[UUID, Notice]) -> int:
    """Give the tenant's notices, by their events' ids, the next offsets; return the last.

    The stream's row stays locked until the commit, so offsets have no gaps and become visible
    in their order.
    """
    last, now = await _claim_offsets(tx, len(notices))
    await tx.execute(
        _add,
        tenant=tx.context.tenant,
        offsets=list(range(last - len(notices) + 1, last + 1)),
        ids=list(notices),
        types=[notice.type for notice in notices.values()],
        times=[notice.time for notice in notices.values()],
        data=[orjson.dumps(notice.data).decode() for notice in notices.values()],
        topics=[" ".join(notice.topics) for notice in notices.values()],
        stored_at=tx.saw(now),
    )
    return last


async def _claim_offsets(tx: Tx, count: int) -> tuple[int, datetime]:
    row = await tx.fetchrow(_advance, tenant=tx.context.tenant, epoch=tx.new_id(), count=count)
    assert row is not None
    return row["last_offset"], row["now"]


async def stream(tx: Tx) -> Stream:
    """The tenant's stream; it begins when somebody first asks."""
    tenant = tx.context.tenant
    row = await tx.fetchrow(_stream, tenant=tenant)
    if row is None:
        await tx.execute(_begin, tenant=tenant, epoch=tx.new_id(), count=0)
        row = await tx.fetchrow(_stream, tenant=tenant)
    assert row is not None
    return Stream(**row)


async def notices_between(
    tx: Tx, after: int, upto: int, count: int, topics: Sequence[str] | None = None
) -> list[Notice]:
    """The tenant's oldest notices after one offset and up to another, of some topics or all."""
    asked: dict[str, Any] = {"after": after, "upto": upto, "count": count}
    statement = _between
    if topics is not None:
        statement, asked["topics"] = _between_of_topics, list(topics)
    rows = await tx.fetch(statement, tenant=tx.context.tenant, **asked)
    return [_notice(row) for row in rows]


async def news(tx: Tx, told: Mapping[str, int], count: int) -> list[News]:
    """For each tenant what comes after the offset it was told, at most ``count`` notices each."""
    rows = await tx.fetch(_news, tenants=list(told), offsets=list(told.values()), count=count)
    found: dict[str, News] = {}
    for row in rows:
        tenant = row["tenant_id"]
        entry = found.setdefault(tenant, News(tenant, row["epoch"], row["last_offset"], []))
        if row["offset"] is not None:
            entry.notices.append(_notice(row))
    return list(found.values())


async def prune(tx: Tx, keep: int, before: datetime) -> None:
    """Forget, in every tenant, what is both stored before a time and not of the newest ``keep``."""
    await tx.execute(_prune, keep=keep, before=before)


def _notice(row: Record) -> Notice:
    return Notice(**{column.name: row[column.name] for column in _told})
