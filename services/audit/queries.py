"""Reading the trail: pages of entries with what they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from asyncpg import Record
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Text,
    bindparam,
    func,
    select,
    tuple_,
)

from services.audit.domain.entry import Action
from services.audit.tables import admins, assets, assignment_history, users
from shared.contracts.envelope import rfc3339
from shared.db import Statement, Tx

Order = Literal["asc", "desc"]


class Place(NamedTuple):
    """An entry's place in the order of listings."""

    performed_at: datetime
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which entries are looked for; ``since`` and ``until`` are both included."""

    user_id: UUID | None = None
    asset_id: UUID | None = None
    action: Action | None = None
    performed_by: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def given(self) -> dict[str, Any]:
        """What the search is by."""
        every = {name: getattr(self, name) for name in FILTERS}
        return {name: value for name, value in every.items() if value is not None}

    def matches(self, entry: Mapping[str, Any]) -> bool:
        """Whether it looks for this entry, given as it is exported."""
        at = entry["performed_at"]
        same = all(
            entry[name] == str(value)
            for name, value in self.given().items()
            if name not in ("since", "until")
        )
        return same and self._reaches(at)

    def _reaches(self, performed_at: str) -> bool:
        """Times as we write them are in the order of their text."""
        if self.since is not None and performed_at < rfc3339(self.since):
            return False
        return self.until is None or performed_at <= rfc3339(self.until)


_h = assignment_history.c
_tenant = bindparam("tenant", type_=Text)

FILTERS: dict[str, ColumnElement[bool]] = {
    "user_id": _h.user_id == bindparam("user_id"),
    "asset_id": _h.asset_id == bindparam("asset_id"),
    "action": _h.action == bindparam("action"),
    "performed_by": _h.performed_by == bindparam("performed_by"),
    "since": _h.performed_at >= bindparam("since"),
    "until": _h.performed_at <= bindparam("until"),
}

_detailed = (
    select(
        *assignment_history.columns,
        assets.c.title,
        assets.c.thumbnail_key,
        admins.c.kind,
        admins.c.name,
        admins.c.email,
    )
    .join_from(
        assignment_history,
        admins,
        (admins.c.tenant_id == _h.tenant_id) & (admins.c.id == _h.performed_by),
    )
    .outerjoin(assets, (assets.c.tenant_id == _h.tenant_id) & (assets.c.id == _h.asset_id))
    .where(_h.tenant_id == _tenant)
)

_not_in_bulk = _h.user_id.is_(None) | _h.metadata["bulk"].astext.is_distinct_from("true")

_of_assignments = _h.assignment_id.is_not(None)


def _only(statement: Select[Any], names: frozenset[str]) -> Select[Any]:
    return statement.where(*(FILTERS[name] for name in sorted(names)))


@cache
def _trail(names: frozenset[str], order: Order, resumed: bool, grouped: bool) -> Statement:
    """A statement per combination of filters, so that each is planned with its own index."""
    statement = _only(_detailed, names).limit(bindparam("count"))
    place = tuple_(_h.performed_at, _h.seq)
    seen = tuple_(
        bindparam("seen_at", type_=DateTime(timezone=True)),
        bindparam("seen_seq", type_=BigInteger),
    )
    if order == "desc":
        statement = statement.order_by(_h.performed_at.desc(), _h.seq.desc())
    else:
        statement = statement.order_by(_h.performed_at, _h.seq)
    if grouped:
        statement = statement.where(_not_in_bulk)
    if resumed:
        statement = statement.where(place < seen if order == "desc" else place > seen)
    return Statement(statement)


_user_known, _asset_known = (
    Statement(
        select(table.c.known).where(table.c.tenant_id == _tenant, table.c.id == bindparam("id"))
    )
    for table in (users, assets)
)

_owner_known = select(users.c.known).where(
    users.c.tenant_id == _tenant, users.c.id == bindparam("user_id")
)


@cache
def _history(names: frozenset[str]) -> tuple[Statement, Statement]:
    """A page of a user's history, and whether the user is known with how long it is."""
    found = _only(_detailed, names).where(_of_assignments)
    page = found.order_by(_h.performed_at.desc(), _h.seq.desc())
    counted = _only(select(func.count()).where(_h.tenant_id == _tenant), names)
    total = counted.where(_of_assignments).scalar_subquery()
    return (
        Statement(page.limit(bindparam("count")).offset(bindparam("skipped"))),
        Statement(select(_owner_known.scalar_subquery().label("known"), total.label("total"))),
    )


async def user_is_known(tx: Tx, user_id: UUID) -> bool:
    """Whether we have heard of this user from whom users belong to."""
    return bool(await tx.fetchval(_user_known, tenant=tx.context.tenant, id=user_id))


async def asset_is_known(tx: Tx, asset_id: UUID) -> bool:
    """Whether we have heard of this asset from whom assets belong to."""
    return bool(await tx.fetchval(_asset_known, tenant=tx.context.tenant, id=asset_id))


async def trail(
    tx: Tx,
    search: Search,
    order: Order,
    seen: Place | None,
    count: int,
    *,
    grouped: bool = False,
) -> list[Record]:
    """Entries after the place already ``seen``, by time and then by their place in the chain.

    If ``grouped``, what was done to each user of an operation on many is left out.
    """
    given = search.given()
    statement = _trail(frozenset(given), order, seen is not None, grouped)
    after = {"seen_at": seen.performed_at, "seen_seq": seen.seq} if seen else {}
    return await tx.fetch(statement, tenant=tx.context.tenant, count=count, **given, **after)


async def history(
    tx: Tx, search: Search, *, limit: int, offset: int
) -> tuple[list[Record], int] | None:
    """What a user was given and lost, newest first, and how many such entries there are.

    None if we have not heard of this user from whom users belong to.
    """
    given = search.given()
    page, extent = _history(frozenset(given))
    tenant = tx.context.tenant
    row = await tx.fetchrow(extent, tenant=tenant, **given)
    if row is None or not row["known"]:
        return None
    return await tx.fetch(page, tenant=tenant, count=limit, skipped=offset, **given), row["total"]
