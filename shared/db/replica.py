"""Replicas: rows that another service owns, kept here by its events, in any order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, Table, Uuid, bindparam
from sqlalchemy.dialects.postgresql import insert

from shared.db.columns import known, tenant, version
from shared.db.statement import Statement


def replica(name: str, metadata: MetaData, *columns: Column[Any]) -> Table:
    """A table of rows by ``id``, with what is told of them; what is not ``known`` is a stub."""
    key = PrimaryKeyConstraint("id", "tenant_id")
    ident = Column("id", Uuid, nullable=False)
    return Table(name, metadata, tenant(), ident, known(), *columns, version(), key)


def learn(table: Table, *names: str) -> Statement:
    """Write the columns ``names`` of a row, unless what is there is as new or newer.

    The parameters are the columns: ``id``, ``version``, and ``names``.
    """
    new = insert(table).values({name: bindparam(name) for name in ("id", *names, "version")})
    return Statement(
        new.on_conflict_do_update(
            index_elements=[table.c.tenant_id, table.c.id],
            set_={name: new.excluded[name] for name in (*names, "version")},
            where=table.c.version < new.excluded.version,
        )
    )


def stub(table: Table) -> Statement:
    """Make a row for an ``id`` that was met before its event, unless there is one."""
    return Statement(insert(table).values(id=bindparam("id")).on_conflict_do_nothing())
