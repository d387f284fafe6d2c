"""Which entries are archived where, and the one way by which they leave the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from asyncpg import Record
from sqlalchemy import BigInteger, Select, Text, bindparam, cast, func, insert, select
from sqlalchemy import literal_column as literal
from sqlalchemy.dialects.postgresql import insert as upsert

from services.audit.domain.archive import MOST_ENTRIES, Archive, Month, end_of_month
from services.audit.retention_tables import (
    history_archives,
    history_removals,
    legal_holds,
    retention_runs,
)
from services.audit.tables import SCHEMA, assignment_history, chains, history_seals
from shared.db import Statement, Tx

_a, _h, _r = history_archives.c, assignment_history.c, history_removals.c
_tenant = bindparam("tenant", type_=Text)
_after = bindparam("after", type_=BigInteger)


class StillNeeded(Exception):
    """Entries that were due are under a legal hold."""


class RemovalRefused(Exception):
    """The database does not let these entries go, for a reason of its own."""


class Online(NamedTuple):
    """What is in the database: how many entries, and the first of them; nulls without any."""

    entries: int
    first: int | None
    since: datetime | None


class Run(NamedTuple):
    """When a chain was looked after, with which outcome, and when it will be again."""

    ran_at: datetime
    next_at: datetime
    outcome: str


class Extent(NamedTuple):
    """How many archives there are, and how large their files."""

    archives: int
    size_bytes: int


_removed = (_r.tenant_id == _a.tenant_id) & (_r.last_seq == _a.last_seq)
_archives = select(history_archives).where(_a.tenant_id == _tenant)
_gone = _archives.join_from(history_archives, history_removals, _removed)
_by_last = _a.last_seq


def _newest(archives: Select[Any]) -> Statement:
    return Statement(archives.order_by(_by_last.desc()).limit(1))


_floor, _newest_archive = _newest(_gone), _newest(_archives)
_covering = Statement(
    _gone.where(_a.first_seq <= bindparam("seq"), _a.last_seq >= bindparam("seq"))
)
_waiting = Statement(
    _archives.join_from(history_archives, history_removals, _removed, isouter=True)
    .where(_r.last_seq.is_(None))
    .order_by(_by_last)
)
_all = Statement(_archives.order_by(_by_last))
_one = Statement(_archives.where(_a.id == bindparam("id")))
_page = Statement(
    _archives.where(_a.last_seq < bindparam("before"))
    .order_by(_by_last.desc())
    .limit(bindparam("count"))
)
_append = Statement(insert(history_archives))
_remove = f"select {SCHEMA}.remove_archived($1)"

_months_of = (
    select(
        _h.seq,
        # An entry that was recorded by a clock set back belongs to the month of those before it.
        func.date_trunc(
            literal("'month'"), func.max(_h.recorded_at).over(order_by=_h.seq), literal("'UTC'")
        ).label("month"),
    )
    .where(_h.tenant_id == _tenant, _h.seq > _after)
    .order_by(_h.seq)
    .limit(MOST_ENTRIES)
    .subquery()
)
_months = Statement(
    select(_months_of.c.month, func.max(_months_of.c.seq).label("last"))
    .group_by(_months_of.c.month)
    .order_by(_months_of.c.month)
)
_held = Statement(
    select(func.min(_h.seq))
    .join_from(
        assignment_history,
        legal_holds,
        (legal_holds.c.tenant_id == _h.tenant_id)
        & legal_holds.c.released_at.is_(None)
        & (legal_holds.c.user_id.is_(None) | (legal_holds.c.user_id == _h.user_id))
        & (
            legal_holds.c.asset_id.is_(None)
            | (legal_holds.c.asset_id == _h.asset_id)
            | (legal_holds.c.asset_id == _h.previous_asset_id)
        )
        & (legal_holds.c.since.is_(None) | (legal_holds.c.since <= _h.performed_at))
        & (legal_holds.c.until.is_(None) | (legal_holds.c.until >= _h.performed_at)),
    )
    .where(_h.tenant_id == _tenant, _h.seq > _after)
)
_recorded = Statement(
    select(
        func.min(_h.recorded_at).label("first_at"), func.max(_h.recorded_at).label("last_at")
    ).where(_h.tenant_id == _tenant, _h.seq >= bindparam("first"), _h.seq <= bindparam("last"))
)
_newest_seal = Statement(
    select(func.max(history_seals.c.seq)).where(history_seals.c.tenant_id == _tenant)
)
_first = select(_h.seq, _h.recorded_at).where(_h.tenant_id == _tenant).order_by(_h.seq).limit(1)
_count = select(func.count().label("entries")).where(_h.tenant_id == _tenant)
_online = Statement(
    select(_count.subquery().c.entries, _first.subquery().c.seq, _first.subquery().c.recorded_at)
)
_extent = Statement(
    select(func.count(), func.coalesce(cast(func.sum(_a.size_bytes), BigInteger), 0)).where(
        _a.tenant_id == _tenant
    )
)
_tenants = Statement(select(chains.c.tenant_id).order_by(chains.c.tenant_id))
_run = Statement(
    select(retention_runs.c.ran_at, retention_runs.c.next_at, retention_runs.c.outcome).where(
        retention_runs.c.tenant_id == _tenant
    )
)
_new_run = upsert(retention_runs)
_note_run = Statement(
    _new_run.on_conflict_do_update(
        index_elements=["tenant_id"],
        set_={name: _new_run.excluded[name] for name in ("ran_at", "next_at", "outcome")},
    )
)


async def floor(tx: Tx) -> Archive | None:
    """The newest archive whose entries are not in the database any more."""
    return _archive(await tx.fetchrow(_floor, tenant=tx.context.tenant))


async def newest(tx: Tx) -> Archive | None:
    """The newest archive, whether its entries are still in the database or not."""
    return _archive(await tx.fetchrow(_newest_archive, tenant=tx.context.tenant))


async def covering(tx: Tx, seq: int) -> Archive | None:
    """The archive in which an entry is that is not in the database any more."""
    return _archive(await tx.fetchrow(_covering, tenant=tx.context.tenant, seq=seq))


async def every(tx: Tx) -> list[Archive]:
    """All archives, the oldest first."""
    return _list(await tx.fetch(_all, tenant=tx.context.tenant))


async def waiting(tx: Tx) -> list[Archive]:
    """Archives whose entries are still in the database, the oldest first."""
    return _list(await tx.fetch(_waiting, tenant=tx.context.tenant))


async def one(tx: Tx, ident: UUID) -> Archive | None:
    """The archive with this id."""
    return _archive(await tx.fetchrow(_one, tenant=tx.context.tenant, id=ident))


async def page(tx: Tx, before: int, count: int) -> list[Archive]:
    """Archives that end below ``before``, the newest first."""
    return _list(await tx.fetch(_page, tenant=tx.context.tenant, before=before, count=count))


async def append(tx: Tx, archive: Archive) -> None:
    """Note an archive; its entries stay until they are removed."""
    row = {_COLUMNS.get(field.name, field.name): getattr(archive, field.name) for field in _FIELDS}
    await tx.execute(_append, tenant_id=tx.context.tenant, **row)


async def remove(tx: Tx, archive: Archive) -> int:
    """Take an archive's entries out of the database; how many, 0 if they are gone already.

    Raises StillNeeded while a hold covers one of them, and RemovalRefused.
    """
    try:
        return int(await tx.connection.fetchval(_remove, archive.last))
    except asyncpg.ObjectInUseError as held:
        raise StillNeeded(str(held)) from held
    except asyncpg.RestrictViolationError as refusal:
        raise RemovalRefused(str(refusal)) from refusal


async def months(tx: Tx, after: int) -> list[Month]:
    """The months of the next entries above ``after``, as many as one archive may hold."""
    rows = await tx.fetch(_months, tenant=tx.context.tenant, after=after)
    return [Month(end_of_month(row["month"]), row["last"]) for row in rows]


async def first_held(tx: Tx, after: int = 0) -> int | None:
    """The first entry in the database above ``after`` that a legal hold covers."""
    held: int | None = await tx.fetchval(_held, tenant=tx.context.tenant, after=after)
    return held


async def recorded(tx: Tx, first: int, last: int) -> tuple[datetime, datetime]:
    """Between which moments entries were recorded that are in the database."""
    row = await tx.fetchrow(_recorded, tenant=tx.context.tenant, first=first, last=last)
    assert row is not None  # an aggregate always has a row
    return row["first_at"], row["last_at"]


async def recorded_by(tx: Tx, seq: int, moment: datetime) -> bool:
    """Whether an entry is in the database that was recorded by then."""
    _, last_at = await recorded(tx, seq, seq)
    return last_at is not None and last_at <= moment


async def newest_seal(tx: Tx) -> int:
    """How many entries the chain has."""
    return await tx.fetchval(_newest_seal, tenant=tx.context.tenant) or 0


async def online(tx: Tx) -> Online:
    """What is in the database."""
    row = await tx.fetchrow(_online, tenant=tx.context.tenant)
    return Online(*row) if row else Online(0, None, None)


async def extent(tx: Tx) -> Extent:
    """How much is archived."""
    row = await tx.fetchrow(_extent, tenant=tx.context.tenant)
    assert row is not None  # an aggregate always has a row
    return Extent(*row)


async def tenants(tx: Tx) -> list[str]:
    """Whose chains there are."""
    return [row["tenant_id"] for row in await tx.fetch(_tenants)]


async def last_run(tx: Tx) -> Run | None:
    """When the tenant's chain was looked after last."""
    row = await tx.fetchrow(_run, tenant=tx.context.tenant)
    return Run(*row) if row else None


async def note_run(tx: Tx, run: Run) -> None:
    """Remember that the tenant's chain was looked after."""
    await tx.execute(_note_run, tenant_id=tx.context.tenant, **run._asdict())


_COLUMNS = {"first": "first_seq", "last": "last_seq", "statement": "stated"}
_FIELDS = fields(Archive)


def _archive(row: Record | None) -> Archive | None:
    if row is None:
        return None
    given = {each.name: row[_COLUMNS.get(each.name, each.name)] for each in _FIELDS}
    return Archive(**given)


def _list(rows: Sequence[Record]) -> list[Archive]:
    return [archive for row in rows if (archive := _archive(row))]
