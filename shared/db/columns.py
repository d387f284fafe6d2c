"""Columns that tables of many services have."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Text,
    text,
)


def tenant(*, primary_key: bool = False) -> Column[str]:
    """Whose row it is; filled in by the transaction it is written in."""
    own = text("current_setting('app.tenant')")
    return Column("tenant_id", Text, nullable=False, server_default=own, primary_key=primary_key)


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    """A point in time."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def known() -> Column[bool]:
    """False for a stub: an id that was met before the event that tells of it."""
    return Column("known", Boolean, nullable=False, server_default=text("false"))


def version() -> Column[int]:
    """The owner's count of changes; older news is ignored."""
    return Column("version", BigInteger, nullable=False, server_default=text("0"))


def of_tenant(name: str, target: str) -> ForeignKeyConstraint:
    """A reference to a row of ``target`` (``schema.table``) that cannot cross tenants."""
    return ForeignKeyConstraint(["tenant_id", name], [f"{target}.tenant_id", f"{target}.id"])
