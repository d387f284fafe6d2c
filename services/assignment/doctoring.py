"""What can be wrong here."""

from __future__ import annotations

from shared.bus.port import Bus
from shared.contracts.maintenance import AssignmentMaintained
from shared.db import Database
from shared.operating.doctor import Practice, digest_of, outbox_lags, queues_missing

_STATES = """
(
    select s.asset_id as id, s.version, h.user_id, h.holders
    from assignment.asset_states s, lateral (
        select count(*) as holders, (
            array_agg(a.user_id order by a.assigned_at desc, a.user_id desc)
        )[1] as user_id
        from assignment.active_assignments a where a.asset_id = s.asset_id
    ) h
) as states
"""


def practice(database: Database, bus: Bus) -> Practice:
    """What this service looks for; who has what is computed as it is published."""
    return Practice(
        "assignment",
        database,
        AssignmentMaintained,
        (outbox_lags(database), queues_missing(bus)),
        owns={"states": digest_of("id, version, user_id, holders", _STATES)},
        keeps={
            "users": digest_of("id, version", "assignment.users where known"),
            "assets": digest_of(
                "id, status, deleted_at is not null", "assignment.assets where known"
            ),
        },
    )
