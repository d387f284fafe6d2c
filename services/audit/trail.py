"""Adding to the trail, sealed, in the transaction of whoever tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.audit import store
from services.audit.domain import chain
from services.audit.domain.entry import Action, Deed, Entry, as_json
from services.audit.domain.news import stubs_of
from shared.db import Tx


async def enter(tx: Tx, deeds: Sequence[Deed]) -> int:
    """Add deeds, of which none is in the trail, to the tenant's chain; the number of the last.

    The chain is taken, and whoever and whatever they name is known, at least as a stub.
    """
    head, now = await store.head(tx), await tx.now()
    places = enumerate(deeds, head.size + 1)
    entries = [Entry(tx.new_id(), seq, now, deed).columns() for seq, deed in places]
    await store.append(tx, entries, list(chain.seals(head, map(as_json, entries))))
    if not head.size:
        await store.know_chain(tx)
    return head.size + len(entries)


async def tell(
    tx: Tx,
    action: Action,
    kind: str,
    *,
    reason: str | None = None,
    user_id: UUID | None = None,
    asset_id: UUID | None = None,
    **details: Any,
) -> int:
    """Add what this service itself does, now, as whoever acts; the number of the entry.

    It is committed with what it tells of: no event is on the way meanwhile. ``kind`` is written
    like the type of an event.
    """
    deed = Deed(
        tenant=tx.context.tenant,
        event_id=tx.new_id(),
        event_type=kind,
        action=action,
        actor=tx.context.actor,
        performed_at=await tx.now(),
        user_id=user_id,
        asset_id=asset_id,
        reason=reason,
        metadata=details,
    )
    await store.take_chain(tx)
    await store.learn(tx, stubs_of(deed))
    return await enter(tx, [deed])
