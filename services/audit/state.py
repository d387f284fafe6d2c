"""How far the trail is, and how far it was signed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Text, bindparam, select

from services.audit import ledger, store
from services.audit.domain import checkpoint as notes
from services.audit.domain.checkpoint import ForgedCheckpoint
from services.audit.notary import Notary
from services.audit.tables import checkpoints
from shared.contracts.context import Context
from shared.db import Database, Statement, Tx
from shared.operating.views import CheckpointView, TrailView
from shared.web import Call, Routes

_newest = Statement(
    select(checkpoints.c.size, checkpoints.c.note, checkpoints.c.signed_at)
    .where(checkpoints.c.tenant_id == bindparam("tenant", type_=Text))
    .order_by(checkpoints.c.size.desc())
    .limit(1)
)

routes = Routes("Trail")


@dataclass(frozen=True, slots=True)
class State:
    """Looks at the end of a chain; all of it takes a verification."""

    database: Database
    notary: Notary

    async def view(self, context: Context) -> TrailView:
        """The tenant's chain; one that does not reach or meet its newest checkpoint is broken."""
        async with self.database.snapshot(context) as tx:
            head = await store.head(tx)
            newest = await tx.fetchrow(_newest, tenant=context.tenant)
            met = newest is None or await self._meets(tx, newest["note"])
        return TrailView(
            entries=head.size,
            checkpoint=CheckpointView(size=newest["size"], signed_at=newest["signed_at"])
            if newest
            else None,
            holds=met and context.tenant not in self.notary.broken,
        )

    async def _meets(self, tx: Tx, note: str) -> bool:
        try:
            signed = notes.read(note, tx.context.tenant, self.notary.key.public_key())
        except ForgedCheckpoint:
            return False
        return await ledger.head_at(tx, signed.size) == signed.head


@routes.get("/internal/trail", access="internal")
async def show_state(call: Call[State]) -> TrailView:
    """How far the tenant's trail is, how far it was signed, and whether its end holds."""
    return await call.parts.view(call.context)
