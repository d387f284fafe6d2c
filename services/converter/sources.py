"""What is known of uploaded bytes, whichever asset they came with."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from services.converter.domain.probe import Probe
from services.converter.tables import sources
from shared.db import Statement, Tx

_keep = Statement(
    insert(sources)
    .values(sha256=bindparam("sha256"), probe=bindparam("facts", type_=sources.c.probe.type))
    .on_conflict_do_nothing()
)
_known = Statement(select(sources.c.probe).where(sources.c.sha256 == bindparam("sha256")))


async def keep(tx: Tx, sha256: str, probe: Probe) -> None:
    """Remember what the deep look told; it would tell the same again."""
    await tx.execute(_keep, sha256=sha256, facts=probe.as_json())


async def known(tx: Tx, sha256: str) -> Probe | None:
    """What the deep look told of these bytes, if it was taken and they were accepted."""
    facts = await tx.fetchval(_known, sha256=sha256)
    return Probe.of_json(facts) if facts else None
