"""What can be wrong here."""

from __future__ import annotations

from services.audit.notary import Notary, TrailBroken
from services.audit.state import State
from shared.blobs.port import StorageUnavailable
from shared.bus.port import Bus
from shared.contracts.context import Context
from shared.contracts.maintenance import AuditMaintained
from shared.db import Database
from shared.operating.doctor import Ailment, Practice, digest_of, outbox_lags, queues_missing


def practice(database: Database, bus: Bus, notary: Notary) -> Practice:
    """What this service looks for."""

    async def look(context: Context) -> list[str]:
        """Sign what was added since the last checkpoint, which looks at all of that."""
        try:
            await notary.checkpoint(context.tenant)
        except TrailBroken as broken:
            return [broken.detail]
        except StorageUnavailable:
            pass  # that the store is away is said elsewhere
        holds = (await State(database, notary).view(context)).holds
        return [] if holds else ["The end of the trail is not what was signed."]

    broken = Ailment(
        "trail_broken",
        "The audit trail does not hold",
        "It is not what was signed of it: entries were changed or cut off, or an old backup was"
        " restored. Verify it to see where; nothing here will change it.",
        look,
    )
    return Practice(
        "audit",
        database,
        AuditMaintained,
        (outbox_lags(database), queues_missing(bus), broken),
        keeps={
            "users": digest_of("id, version", "audit.users where known"),
            "titles": digest_of("id, title", "audit.assets where known"),
        },
    )
