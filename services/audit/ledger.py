"""Reading the chain as it is stored: links, leaves of its tree, and checkpoints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from asyncpg import Record
from sqlalchemy import BigInteger, DateTime, Text, bindparam, cast, func, select, true

from services.audit.domain.chain import Fields, Head, Link, Seal
from services.audit.domain.entry import as_json
from services.audit.domain.merkle import BLOCK, Tree, leaf_hash
from services.audit.queries import FILTERS, Search
from services.audit.retention_tables import history_archives
from services.audit.tables import (
    assignment_history,
    chains,
    checkpoints,
    history_blocks,
    history_seals,
)
from shared.db import Statement, Tx

_tenant = bindparam("tenant", type_=Text)
_after = bindparam("after", type_=BigInteger)
_until = bindparam("last_seq", type_=BigInteger)


class Extent(NamedTuple):
    """How many entries there are, and between which numbers entries and seals lie."""

    entries: int
    first: int
    last: int


def _extent_of(table: Any) -> Any:
    return (
        select(
            func.count().label("count"),
            func.min(table.c.seq).label("first"),
            func.max(table.c.seq).label("last"),
        )
        .where(table.c.tenant_id == _tenant)
        .subquery()
    )


def _between(table: Any) -> Any:
    return (
        select(table)
        .where(
            table.c.tenant_id == _tenant,
            table.c.seq > _after,
            table.c.seq <= _until,
        )
        .subquery()
    )


_in_entries, _in_seals = _extent_of(assignment_history), _extent_of(history_seals)
_extent = Statement(
    select(
        _in_entries.c["count"],
        func.coalesce(func.least(_in_entries.c.first, _in_seals.c.first), 1).label("first"),
        func.coalesce(func.greatest(_in_entries.c["last"], _in_seals.c["last"]), 0).label("last"),
    ).select_from(_in_entries.join(_in_seals, true()))
)

_entries, _seals = _between(assignment_history), _between(history_seals)
_entry_columns = [column for column in _entries.c if column.name != "metadata"]
_ENTRY_NAMES = [str(column.name) for column in _entry_columns]
_of_link = (
    *_entry_columns,
    cast(_entries.c.metadata, Text).label("metadata"),
    _seals.c.seq.label("seal_seq"),
    _seals.c.entry_id,
    _seals.c.prev_hash,
    _seals.c.hash,
)
_links = Statement(
    select(*_of_link)
    .join_from(_entries, _seals, _entries.c.seq == _seals.c.seq, full=True)
    .order_by(func.coalesce(_entries.c.seq, _seals.c.seq))
)


@cache
def _found(names: frozenset[str]) -> Statement:
    """The links of the entries that a search finds, in the order of the chain."""
    h, s = assignment_history, history_seals
    columns = [column for column in h.columns if column.name != "metadata"]
    seal = (s.c.seq.label("seal_seq"), s.c.entry_id, s.c.prev_hash, s.c.hash)
    return Statement(
        select(*columns, cast(h.c.metadata, Text).label("metadata"), *seal)
        .join_from(h, s, (s.c.tenant_id == h.c.tenant_id) & (s.c.seq == h.c.seq), isouter=True)
        .where(h.c.tenant_id == _tenant, h.c.seq > _after, h.c.seq <= _until)
        .where(*(FILTERS[name] for name in sorted(names)))
        .order_by(h.c.seq)
        .limit(bindparam("count"))
    )


_seal_hash = Statement(
    select(history_seals.c.hash)
    .where(history_seals.c.tenant_id == _tenant, history_seals.c.seq == bindparam("seq"))
    .union_all(
        select(history_archives.c.hash).where(
            history_archives.c.tenant_id == _tenant,
            history_archives.c.last_seq == bindparam("seq"),
        )
    )
    .limit(1)
)
_hashes = Statement(
    select(history_seals.c.hash)
    .where(
        history_seals.c.tenant_id == _tenant,
        history_seals.c.seq > _after,
        history_seals.c.seq <= _until,
    )
    .order_by(history_seals.c.seq)
)
_blocks = Statement(
    select(history_blocks.c.root)
    .where(history_blocks.c.tenant_id == _tenant, history_blocks.c.block < bindparam("count"))
    .order_by(history_blocks.c.block)
)
_sizes = Statement(
    select(checkpoints.c.size)
    .where(checkpoints.c.tenant_id == _tenant)
    .order_by(checkpoints.c.size)
)
_note = Statement(
    select(checkpoints.c.note).where(
        checkpoints.c.tenant_id == _tenant, checkpoints.c.size == bindparam("size")
    )
)
_newest_note = Statement(
    select(checkpoints.c.note)
    .where(checkpoints.c.tenant_id == _tenant)
    .order_by(checkpoints.c.size.desc())
    .limit(1)
)


def _last(table: Any, *columns: Any, by: Any) -> Any:
    """The newest row of each chain."""
    own = table.c.tenant_id == chains.c.tenant_id
    return select(*columns).where(own).order_by(by.desc()).limit(1).correlate(chains).lateral()


_sealed = _last(history_seals, history_seals.c.seq, by=history_seals.c.seq)
_signed = _last(checkpoints, checkpoints.c.size, checkpoints.c.signed_at, by=checkpoints.c.size)
_grown = _sealed.c.seq - func.coalesce(_signed.c.size, 0)
_waited = _signed.c.signed_at.is_(None) | (
    _signed.c.signed_at <= bindparam("before", type_=DateTime(timezone=True))
)
_due = Statement(
    select(chains.c.tenant_id)
    .select_from(chains.join(_sealed, true()).outerjoin(_signed, true()))
    .where((_grown >= bindparam("entries", type_=BigInteger)) | ((_grown > 0) & _waited))
)


async def extent(tx: Tx) -> Extent:
    """How far the tenant's chain reaches."""
    row = await tx.fetchrow(_extent, tenant=tx.context.tenant)
    assert row is not None  # an aggregate always has a row
    return Extent(*row)


async def links(tx: Tx, after: int, until: int) -> list[Link]:
    """What is stored in the tenant's chain above ``after`` and up to ``until``, in order."""
    rows = await tx.fetch(_links, tenant=tx.context.tenant, after=after, last_seq=until)
    return [_link(row) for row in rows]


async def found(tx: Tx, search: Search, after: int, until: int, count: int) -> list[Link]:
    """The first links above ``after`` and up to ``until`` whose entries the search finds."""
    given = search.given()
    place = {"after": after, "last_seq": until, "count": count}
    rows = await tx.fetch(_found(frozenset(given)), tenant=tx.context.tenant, **place, **given)
    return [_link(row) for row in rows]


async def head_at(tx: Tx, seq: int) -> Head | None:
    """Where the chain ended when it had ``seq`` entries; None if that seal is not there.

    The end of an archive is known though its seal is not there any more.
    """
    if seq == 0:
        return Head()
    sealed = await tx.fetchval(_seal_hash, tenant=tx.context.tenant, seq=seq)
    return None if sealed is None else Head(seq, sealed)


async def leaves(tx: Tx, block: int, size: int) -> list[bytes]:
    """The leaves of one block of the tree over the first ``size`` entries."""
    first, last = block * BLOCK, min((block + 1) * BLOCK, size)
    rows = await tx.fetch(_hashes, tenant=tx.context.tenant, after=first, last_seq=last)
    return [leaf_hash(row["hash"]) for row in rows]


async def blocks(tx: Tx, count: int) -> list[bytes]:
    """The roots of the first ``count`` blocks of the tree, as they are stored."""
    rows = await tx.fetch(_blocks, tenant=tx.context.tenant, count=count)
    return [row["root"] for row in rows]


async def tree(tx: Tx, size: int) -> Tree:
    """The tree over the first ``size`` entries, of which there is a checkpoint."""
    whole = size // BLOCK
    return Tree(await blocks(tx, whole), await leaves(tx, whole, size))


async def checkpoint_sizes(tx: Tx) -> Sequence[int]:
    """The sizes of all checkpoints, ascending."""
    return [row["size"] for row in await tx.fetch(_sizes, tenant=tx.context.tenant)]


async def note(tx: Tx, size: int) -> str:
    """The checkpoint of this size."""
    return str(await checkpoint_at(tx, size))


async def checkpoint_at(tx: Tx, size: int) -> str | None:
    """The checkpoint of this size, if one was signed."""
    found: str | None = await tx.fetchval(_note, tenant=tx.context.tenant, size=size)
    return found


async def newest_note(tx: Tx) -> str | None:
    """The checkpoint that was signed last."""
    found: str | None = await tx.fetchval(_newest_note, tenant=tx.context.tenant)
    return found


async def tenants_due(tx: Tx, entries: int, before: datetime) -> list[str]:
    """Whose chain has grown by so many entries, or at all since a checkpoint ``before`` then."""
    rows = await tx.fetch(_due, entries=entries, before=before)
    return [row["tenant_id"] for row in rows]


def _link(row: Record) -> Link:
    entry = None if row["seq"] is None else _fields(row)
    if row["seal_seq"] is None:
        return Link(row["seq"], entry, None)
    seal = Seal(row["seal_seq"], row["entry_id"], row["prev_hash"], row["hash"])
    return Link(seal.seq, entry, seal)


def _fields(row: Record) -> Fields:
    fields = as_json({name: row[name] for name in _ENTRY_NAMES})
    return fields | {"metadata": _parsed(row["metadata"])}


def _parsed(text: str | None) -> Any:
    """Metadata; what only a forger can have stored stays text, which no seal covers."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
