"""What can be wrong here."""

from __future__ import annotations

from shared.bus.port import Bus
from shared.contracts.maintenance import NotifierMaintained
from shared.db import Database
from shared.operating.doctor import Practice, outbox_lags, queues_missing


def practice(database: Database, bus: Bus) -> Practice:
    """What this service looks for; it keeps no copies, only what was told lately."""
    return Practice(
        "notifier", database, NotifierMaintained, (outbox_lags(database), queues_missing(bus))
    )
