"""Answers that are kept for a day, for clients that ask again: one row a key.

A row is written in the transaction whose answer it is, so that there is one if, and only if, the
change was made. What is kept is sealed by whoever keeps it, opaque here, and sealed once more:
who has the database alone cannot try keys that clients may have chosen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from shared.db.columns import moment, tenant
from shared.db.database import Database, Tx
from shared.db.tenancy import isolate

KEPT = timedelta(hours=24)
"""How long a key brings the first answer again; after that it may be used anew."""

TABLE = "idempotency_keys"


def idempotency_keys(metadata: MetaData) -> Table:
    """The table in the schema of ``metadata``.

    ``answer`` is unreadable without the client's own key and the product's.
    """
    return Table(
        TABLE,
        metadata,
        tenant(),
        Column("actor", Text, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("answer", LargeBinary, nullable=False),
        moment("answered_at"),
        PrimaryKeyConstraint("key", "actor", "tenant_id"),
        Index(f"{TABLE}_answered_at_idx", "answered_at"),
    )


def create_idempotency_keys(op: Any, schema: str) -> None:
    """Create it in a migration, fenced by tenant and swept across tenants."""
    idempotency_keys(MetaData(schema=schema)).create(op.get_bind())
    isolate(op, schema, TABLE, swept=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """What an answer is kept under: the actor who asks, and the digest of the key they sent."""

    tenant: str
    actor: str
    key: bytes

    def lock(self, schema: str) -> int:
        """The advisory lock that one transaction at a time has while it works on the answer."""
        place = f"{schema} {self.tenant} {self.actor} ".encode()
        return int.from_bytes(hashlib.sha256(place + self.key).digest()[:8], signed=True)


async def recall(tx: Tx, database: Database, claim: Claim) -> bytes | None:
    """What was kept under a claim, if it is not too old. Raises FieldUnreadable."""
    row = await tx.connection.fetchrow(
        "select answer, answered_at, clock_timestamp() as now "  # noqa: S608
        f"from {database.schema}.{TABLE} where key = $1 and actor = $2",
        claim.key,
        claim.actor,
    )
    # The transaction's own time is left unread: the command may have locks to take before.
    if row is None or row["answered_at"] + KEPT <= database.clock.at(row["now"]):
        return None
    place = database.place_of_answer(claim.tenant, claim.actor, claim.key)
    return database.cipher.open(place, row["answer"])


async def sweep(database: Database) -> int:
    """Forget answers that are too old; return how many."""
    async with database.system_transaction() as tx:
        tag: str = await tx.connection.execute(
            f"delete from {database.schema}.{TABLE} where answered_at <= $1",  # noqa: S608
            await tx.now() - KEPT,
        )
    return int(tag.rpartition(" ")[2])
