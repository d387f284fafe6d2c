"""Outbox and inbox: the two tables that every service's schema has."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

_STAMP = text("clock_timestamp()")


def outbox_and_inbox(metadata: MetaData) -> tuple[Table, Table]:
    """The two tables in the schema of ``metadata``; neither is fenced by tenant.

    The outbox uses the column names of Debezium's outbox event router.
    """
    outbox = Table(
        "outbox",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("id", Uuid, nullable=False, unique=True),
        Column("type", Text, nullable=False),
        Column("aggregateid", Text, nullable=False),
        Column("headers", LargeBinary, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=_STAMP),
    )
    inbox = Table(
        "inbox",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("message_id", Uuid, nullable=False),
        Column("received_at", TIMESTAMP(timezone=True), nullable=False, server_default=_STAMP),
        PrimaryKeyConstraint("consumer", "message_id"),
        Index("inbox_received_at", "received_at"),
    )
    return outbox, inbox


def create_outbox_and_inbox(op: Any, schema: str) -> None:
    """Create both in a migration; ``op`` is ``alembic.op``.

    Every row of an outbox dies within moments, so vacuum follows the count of dead rows and not
    the table's size.
    """
    for table in outbox_and_inbox(MetaData(schema=schema)):
        table.create(op.get_bind())
    op.execute(
        f"alter table {schema}.outbox set ("
        "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)"
    )
