"""What can be wrong here."""

from __future__ import annotations

from shared.contracts.maintenance import IdentityMaintained
from shared.db import Database
from shared.operating.doctor import Practice, digest_of, outbox_lags


def practice(database: Database) -> Practice:
    """What this service looks for, and what others should know of its people."""
    return Practice(
        "identity",
        database,
        IdentityMaintained,
        (outbox_lags(database),),
        owns={"users": digest_of("id, version", "identity.users")},
    )
