"""Writing the trail and its read models, one statement a function."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy import literal_column as literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.selectable import TableValuedAlias

from services.audit.domain.chain import Head, Seal
from services.audit.domain.checkpoint import Checkpoint
from services.audit.domain.news import News, Row, Rows
from services.audit.retention_tables import archived_events
from services.audit.tables import (
    admins,
    assets,
    assignment_history,
    chains,
    checkpoints,
    history_blocks,
    history_seals,
    users,
)
from shared.db import Statement, Tx

_THUMBNAIL = ("thumbnail_key", "thumbnail_at")


def _rows_of(table: Table) -> TableValuedAlias:
    """The parameter ``rows``, a JSON array of objects, as rows of ``table``."""
    return func.jsonb_populate_recordset(
        literal(f"null::{table.fullname}"), bindparam("rows", type_=JSONB)
    ).table_valued(*table.columns.keys())


def _append(table: Table) -> Statement:
    """Rows whose columns are the parameters, an array each."""
    names = table.columns.keys()
    arrays = (bindparam(column.name, type_=ARRAY(column.type)) for column in table.columns)
    rows = func.unnest(*arrays).table_valued(*names).render_derived()
    return Statement(insert(table).from_select(names, select(*(rows.c[name] for name in names))))


def _learn(table: Table) -> Statement:
    """Newer knowledge replaces older, and any replaces a stub."""
    names = [column.name for column in table.columns if column.name not in _THUMBNAIL]
    rows = _rows_of(table)
    change = upsert(table).from_select(names, select(*(rows.c[name] for name in names)))
    new = change.excluded
    newer = new.known & (~table.c.known | (new.version > table.c.version))
    return Statement(
        change.on_conflict_do_update(
            index_elements=["tenant_id", "id"],
            set_={name: new[name] for name in names if name not in ("tenant_id", "id")},
            where=newer,
        )
    )


def _learn_thumbnails() -> Statement:
    rows = _rows_of(assets)
    return Statement(
        update(assets)
        .values({name: rows.c[name] for name in _THUMBNAIL})
        .where(
            assets.c.tenant_id == rows.c.tenant_id,
            assets.c.id == rows.c.id,
            assets.c.thumbnail_at.is_(None) | (assets.c.thumbnail_at < rows.c.thumbnail_at),
        )
    )


_take = Statement(
    select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("what", type_=Text), 0)))
)
_newest = (
    select(history_seals.c.seq, history_seals.c.hash)
    .where(history_seals.c.tenant_id == bindparam("tenant"))
    .order_by(history_seals.c.seq.desc())
    .limit(1)
    .subquery()
)
_moment = select(func.clock_timestamp().label("now")).subquery()
_head = Statement(
    select(_moment.c.now, _newest.c.seq, _newest.c.hash).select_from(
        _moment.join(_newest, true(), isouter=True)
    )
)


_ids = func.unnest(bindparam("event_ids", type_=ARRAY(Uuid))).table_valued("id").render_derived()


def _among(table: Table) -> Select[tuple[UUID]]:
    """Each id is looked up by the index, even by a plan that was made when there were no rows."""
    own = (table.c.tenant_id == bindparam("tenant"), table.c.event_id == _ids.c.id)
    found = select(table.c.event_id).where(*own).limit(1).correlate(_ids).lateral()
    return select(found.c.event_id).select_from(_ids.join(found, true()))


_recorded = Statement(_among(assignment_history).union_all(_among(archived_events)))
_append_entries = _append(assignment_history)
_append_seals = _append(history_seals)
_append_blocks = _append(history_blocks)
_append_checkpoint = Statement(insert(checkpoints))
_know_chain = Statement(
    upsert(chains).values(tenant_id=bindparam("tenant")).on_conflict_do_nothing()
)
_learn_users = _learn(users)
_learn_admins = _learn(admins)
_learn_assets = _learn(assets)
_learn_of_thumbnails = _learn_thumbnails()


async def take_chain(tx: Tx) -> None:
    """Keep everybody else from adding to the tenant's chain until the transaction ends."""
    await tx.execute(_take, what=f"audit.chain:{tx.context.tenant}")


async def take_signature(tx: Tx) -> None:
    """Keep everybody else from signing the tenant's chain; it may still be added to."""
    await tx.execute(_take, what=f"audit.signature:{tx.context.tenant}")


async def take_holds(tx: Tx) -> None:
    """Keep everybody else from placing holds on the tenant's entries; taken before the chain."""
    await tx.execute(_take, what=f"audit.holds:{tx.context.tenant}")


async def head(tx: Tx) -> Head:
    """Where the tenant's chain ends."""
    row = await tx.fetchrow(_head, tenant=tx.context.tenant)
    assert row is not None  # there is always a moment
    tx.saw(row["now"])
    return Head() if row["seq"] is None else Head(row["seq"], row["hash"])


async def recorded(tx: Tx, event_ids: Collection[UUID]) -> set[UUID]:
    """Which of these events have an entry already, archived or not."""
    rows = await tx.fetch(_recorded, tenant=tx.context.tenant, event_ids=list(event_ids))
    return {row["event_id"] for row in rows}


async def append(tx: Tx, entries: Sequence[Row], seals: Sequence[Seal]) -> None:
    """Add entries, a dictionary of columns each, together with their seals."""
    await _append_rows(tx, _append_entries, entries)
    await _append_rows(tx, _append_seals, [_seal_row(tx, seal) for seal in seals])


async def know_chain(tx: Tx) -> None:
    """Have the notary look after the tenant's chain."""
    await tx.execute(_know_chain, tenant=tx.context.tenant)


async def append_checkpoint(tx: Tx, checkpoint: Checkpoint, note: str) -> None:
    """Add what was signed."""
    await tx.execute(
        _append_checkpoint,
        tenant_id=checkpoint.tenant,
        size=checkpoint.size,
        note=note,
        signed_at=await tx.now(),
    )


async def append_blocks(tx: Tx, first: int, roots: Sequence[bytes]) -> None:
    """Add the roots of whole blocks of the tree, from block ``first``."""
    tenant = tx.context.tenant
    rows = [
        {"tenant_id": tenant, "block": block, "root": root}
        for block, root in enumerate(roots, first)
    ]
    if rows:
        await _append_rows(tx, _append_blocks, rows)


async def learn(tx: Tx, news: News) -> None:
    """Bring the read models up to date; what they know already in a newer version stays."""
    await _learn_rows(tx, _learn_users, news.users)
    await _learn_rows(tx, _learn_admins, news.admins)
    await _learn_rows(tx, _learn_assets, news.assets)
    await _learn_rows(tx, _learn_of_thumbnails, news.thumbnails)


async def _learn_rows(tx: Tx, statement: Statement, rows: Rows) -> None:
    if rows:
        tenant = {"tenant_id": tx.context.tenant}
        await tx.execute(statement, rows=[row | tenant for row in rows.values()])


async def _append_rows(tx: Tx, statement: Statement, rows: Sequence[Row]) -> None:
    await tx.execute(statement, **{name: [row[name] for row in rows] for name in rows[0]})


def _seal_row(tx: Tx, seal: Seal) -> Row:
    return {
        "tenant_id": tx.context.tenant,
        "seq": seal.seq,
        "entry_id": seal.entry_id,
        "prev_hash": seal.prev_hash,
        "hash": seal.hash,
    }
