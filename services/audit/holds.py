"""Legal holds: what must stay online until somebody says that it need not.

A hold without a user and an asset is on everybody's entries, one without times on those of all
times. An entry is held if everything that the hold names fits. Nothing is archived away that is
held, nor what comes after it in the chain.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record
from sqlalchemy import DateTime, Text, Uuid, bindparam, func, insert, select, tuple_, update

from services.audit import queries, store, trail
from services.audit.retention_tables import legal_holds
from shared.contracts.converter import AssetNotFound
from shared.contracts.envelope import rfc3339
from shared.contracts.identity import UserNotFound
from shared.contracts.refusal import Refusal
from shared.contracts.young import patience_for
from shared.db import Statement, Tx

_t = legal_holds.c
_tenant = bindparam("tenant", type_=Text)

_place = Statement(
    insert(legal_holds)
    .values(
        {
            column.name: bindparam(column.name)
            for column in _t
            if column not in (_t.released_by, _t.released_at, _t.release_reason)
        }
    )
    .returning(legal_holds)
)
_one = Statement(select(legal_holds).where(_t.tenant_id == _tenant, _t.id == bindparam("id")))
_release = Statement(
    update(legal_holds)
    .where(_t.tenant_id == _tenant, _t.id == bindparam("ident"), _t.released_at.is_(None))
    .values(
        released_by=bindparam("released_by"),
        released_at=bindparam("released_at"),
        release_reason=bindparam("release_reason"),
    )
    .returning(legal_holds)
)
_before = tuple_(
    bindparam("before_at", type_=DateTime(timezone=True)), bindparam("before_id", type_=Uuid)
)
_page = (
    select(legal_holds)
    .where(_t.tenant_id == _tenant, tuple_(_t.placed_at, _t.id) < _before)
    .order_by(_t.placed_at.desc(), _t.id.desc())
    .limit(bindparam("count"))
)
_pages = {
    None: Statement(_page),
    True: Statement(_page.where(_t.released_at.is_(None))),
    False: Statement(_page.where(_t.released_at.is_not(None))),
}
_active = Statement(select(func.count()).where(_t.tenant_id == _tenant, _t.released_at.is_(None)))


class HoldNotFound(Refusal):
    """The tenant has no such hold."""

    code = "hold_not_found"
    status = 404
    title = "Hold not found"


class HoldReleased(Refusal):
    """The hold was released before."""

    code = "hold_released"
    status = 409
    title = "The hold is released already"


class Held(NamedTuple):
    """What a hold is on."""

    user_id: UUID | None = None
    asset_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def place(tx: Tx, held: Held, reason: str) -> Record:
    """Place a hold, and tell the trail. Raises UserNotFound or AssetNotFound."""
    await store.take_holds(tx)
    await _require_known(tx, held)
    ident, now = tx.new_id(), await tx.now()
    await trail.tell(
        tx,
        "hold_placed",
        "audit.hold.placed.v1",
        reason=reason,
        user_id=held.user_id,
        asset_id=held.asset_id,
        hold_id=str(ident),
        **{"from": _text(held.since), "to": _text(held.until)},
    )
    row = await tx.fetchrow(
        _place,
        id=ident,
        tenant_id=tx.context.tenant,
        reason=reason,
        placed_by=tx.context.actor.principal,
        placed_at=now,
        **held._asdict(),
    )
    assert row is not None  # it was inserted
    return row


async def release(tx: Tx, ident: UUID, reason: str) -> Record:
    """Release a hold, and tell the trail. Raises HoldNotFound or HoldReleased."""
    await store.take_holds(tx)
    hold = await one(tx, ident)
    if hold["released_at"] is not None:
        raise HoldReleased(f"The hold {ident} was released before.")
    await trail.tell(
        tx,
        "hold_released",
        "audit.hold.released.v1",
        reason=reason,
        user_id=hold["user_id"],
        asset_id=hold["asset_id"],
        hold_id=str(ident),
    )
    row = await tx.fetchrow(
        _release,
        tenant=tx.context.tenant,
        ident=ident,
        released_by=tx.context.actor.principal,
        released_at=await tx.now(),
        release_reason=reason,
    )
    assert row is not None  # nobody else releases holds meanwhile
    return row


async def one(tx: Tx, ident: UUID) -> Record:
    """A hold. Raises HoldNotFound."""
    row = await tx.fetchrow(_one, tenant=tx.context.tenant, id=ident)
    if row is None:
        raise HoldNotFound(f"There is no hold {ident}.")
    return row


async def page(
    tx: Tx, before: tuple[datetime, UUID], count: int, *, active: bool | None
) -> list[Record]:
    """Holds placed before a moment, newest first; if asked, only those that hold or do not."""
    before_at, before_id = before
    return await tx.fetch(
        _pages[active],
        tenant=tx.context.tenant,
        before_at=before_at,
        before_id=before_id,
        count=count,
    )


async def active(tx: Tx) -> int:
    """How many holds are not released."""
    return int(await tx.fetchval(_active, tenant=tx.context.tenant))


async def _require_known(tx: Tx, held: Held) -> None:
    if held.user_id and not await queries.user_is_known(tx, held.user_id):
        patience = patience_for(held.user_id, await tx.now())
        raise UserNotFound(f"There is no user {held.user_id}.", patience=patience)
    if held.asset_id and not await queries.asset_is_known(tx, held.asset_id):
        patience = patience_for(held.asset_id, await tx.now())
        raise AssetNotFound(f"There is no asset {held.asset_id}.", patience=patience)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
