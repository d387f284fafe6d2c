"""After an old backup was restored: somebody vouches that what is missing is lost.

The notary signs nothing while checkpoints are kept outside that the chain does not continue. An
administrator who knows why says so, and from where. That is an entry of the trail, signed like all
others; the checkpoints of what was lost are set aside, each by name, and the chain goes on. What
somebody may have kept elsewhere of the lost part still contradicts the chain, and the entry says
why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from asyncpg import Record
from prometheus_client import Counter

from services.audit import restorations, store, trail
from services.audit.domain import checkpoint as notes
from services.audit.domain.checkpoint import Checkpoint
from services.audit.domain.restoration import LostCheckpoint, Restoration
from services.audit.examine import Examination
from services.audit.views import Verified
from shared.contracts.refusal import Refusal
from shared.db import Tx

_AT_ONCE = 16
_AS_AFTER_A_RESTORE = ("truncated", "rewritten")

acknowledged = Counter(
    "marquee_audit_restores_acknowledged_total", "Lost parts of trails that somebody vouched for"
)

log = structlog.get_logger()


class NothingLost(Refusal):
    """The trail continues everything that was signed of it: there is nothing to acknowledge."""

    code = "nothing_lost"
    status = 409
    title = "Nothing is missing"


class LostElsewhere(Refusal):
    """The trail parts from what was signed at another entry, or in another way, than was named."""

    code = "lost_elsewhere"
    status = 409
    title = "The trail does not part there"


@dataclass(frozen=True, slots=True)
class Loss:
    """What contradicts a chain from ``first_bad`` on: copies of checkpoints, and statements."""

    examination: Examination
    first_bad: int
    copies: Sequence[Checkpoint]
    forgotten: Sequence[str]


async def found(examination: Examination, first_bad: int) -> Loss:
    """What somebody is about to vouch for, who saw the chain part at ``first_bad``.

    Raises NothingLost, or LostElsewhere where it parts at another entry or in another way.
    """
    _require_loss(await examination.whole(), first_bad)
    copies = await _opened(examination, first_bad)
    return Loss(examination, first_bad, copies, await examination.forgotten())


async def acknowledge(tx: Tx, loss: Loss, reason: str) -> Record:
    """Vouch that the chain went on anew because a backup was restored, and tell the trail.

    Raises NothingLost if somebody did meanwhile.
    """
    await store.take_signature(tx)
    await store.take_chain(tx)
    stated = await _stated(tx, loss)
    seq = await trail.tell(
        tx,
        "restore_acknowledged",
        "audit.restore.acknowledged.v1",
        reason=reason,
        restoration_id=str(stated.id),
        after=stated.after,
        until=stated.until,
        checkpoints=len(stated.lost),
        statement=stated.statement,
    )
    await restorations.append(tx, stated, reason=reason, entry_seq=seq)
    log.warning(
        "audit_restore_acknowledged",
        tenant=stated.tenant,
        after=stated.after,
        until=stated.until,
        entry=seq,
    )
    return await restorations.one(tx, stated.id)


async def complete(examination: Examination) -> None:
    """Set aside what was vouched for, and sign; the notary does, should this be cut short."""
    tenant = examination.context.tenant
    await examination.notary.set_aside_lost(tenant)
    await examination.notary.checkpoint(tenant)
    acknowledged.inc()


async def _stated(tx: Tx, loss: Loss) -> Restoration:
    lost = [
        LostCheckpoint.of(each)
        for each in loss.copies
        if await loss.examination.head_at(tx, each.size) != each.head
    ]
    if not (lost or loss.forgotten):
        raise NothingLost("Somebody acknowledged it meanwhile.")
    after = loss.first_bad - 1
    unsigned = Restoration(tx.new_id(), tx.context.tenant, after, lost, loss.forgotten)
    return replace(unsigned, statement=unsigned.state(loss.examination.notary.key))


def _require_loss(seen: Verified, first_bad: int) -> None:
    if seen.ok:
        raise NothingLost("The trail continues everything that was signed of it.")
    if seen.reason not in _AS_AFTER_A_RESTORE or seen.first_bad != first_bad:
        raise LostElsewhere(
            f"At entry {seen.first_bad} the trail is {seen.reason}.",
            first_bad=seen.first_bad,
            reason=seen.reason,
        )


async def _opened(examination: Examination, first_bad: int) -> Sequence[Checkpoint]:
    """All copies that cover this entry. Raises ForgedCheckpoint."""
    notary, tenant = examination.notary, examination.context.tenant
    turns = asyncio.Semaphore(_AT_ONCE)

    async def opened(size: int) -> Checkpoint:
        async with turns:
            note = await notary.copies.note(tenant, size)
        return notes.read(note, tenant, notary.key.public_key())

    sizes = await notary.copies.sizes(tenant)
    return await asyncio.gather(*(opened(size) for size in sizes if size >= first_bad))
