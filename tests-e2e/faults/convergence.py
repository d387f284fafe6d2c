"""I4 to I9: the trail, versions, queues, leaks, health and listeners."""

from __future__ import annotations

from faults.invariants import Evidence, Found, differing
from faults.supervisor import Member
from harness.launch import working_in

_CONNECTIONS = 16
"""Of a service in one process, at most (``shared/db/database.py``)."""


async def trail(seen: Evidence) -> Found:
    """Each deed has one entry, and the chain and its checkpoints hold."""
    rows = await seen.ledger.rows(
        "select action, user_id::text, asset_id::text, operation_id::text,"
        " metadata ->> 'new_status' as status, metadata ->> 'undone_operation_id' as undone"
        " from audit.assignment_history where tenant_id = 'default'"
    )
    given = [c for c in seen.done("assign", "bulk") if not c.answer.get("unchanged")]
    uploads = {call.answer["id"] for call in seen.done("upload")}
    deeds = [
        *(f"user_created {call.answer['id']}" for call in seen.done("create")),
        *(f"assigned {c.answer['operation_id']}" for c in given if c.kind == "assign"),
        *(f"bulk_assigned {c.answer['operation_id']}" for c in given if c.kind == "bulk"),
        *(f"{what} {asset}" for asset in uploads for what in ("asset_uploaded", *_STEPS)),
    ]
    entries = [
        *(f"user_created {r['user_id']}" for r in rows if r["action"] == "user_created"),
        *(f"assigned {r['operation_id']}" for r in rows if r["action"] == "assigned"),
        *(
            f"bulk_assigned {r['operation_id']}"
            for r in rows
            if r["action"] == "bulk_assigned" and r["user_id"] is None
        ),
        *(
            f"{r['status'] or r['action']} {r['asset_id']}"
            for r in rows
            if r["action"] in ("asset_uploaded", "conversion_status_changed")
            and r["asset_id"] in uploads
        ),
    ]
    found = [each.replace("I1", "I4").replace("I2", "I4") for each in _not_first(deeds, entries)]
    verdict = await seen.load.client.get("/api/admin/audit/verify")
    if not verdict["ok"]:
        found.append(f"I4: the chain does not hold: {verdict['first_bad']}")
    return found


_STEPS = ("processing", "completed")


def _not_first(deeds: list[str], entries: list[str]) -> Found:
    """The first administrator was created by nobody's call."""
    return differing("entry of", deeds, [each for each in entries if each in set(deeds)])


async def versions(seen: Evidence) -> Found:
    """No copy ever went back to an older version, and all have the newest."""
    rows = await seen.ledger.rows("select * from faults.regressions")
    found = [f"I5: {row['told']} went from {row['was']} back to {row['came']}" for row in rows]
    stale = await seen.ledger.rows(
        "select s.asset_id, s.version, a.assignment_version from assignment.asset_states s"
        " join converter.admin_media_assets a on a.id = s.asset_id"
        " where a.assignment_version is distinct from s.version"
    )
    found += [f"I5: the state of asset {row['asset_id']} is stale" for row in stale]
    behind = await seen.ledger.rows(
        "select a.id from converter.admin_media_assets a left join assignment.assets c"
        " on c.id = a.id where c.version is distinct from a.version"
    )
    found += [f"I5: assignment has an old copy of asset {row['id']}" for row in behind]
    return found


async def queues(seen: Evidence) -> Found:
    """Nothing waits anywhere, and parked is what was poison."""
    waiting = await seen.ledger.waiting() | await seen.ledger.queued()
    parked = sum(count for name, count in waiting.items() if name.endswith(".parked"))
    found = [f"I6: {n} in {name}" for name, n in waiting.items() if not name.endswith(".parked")]
    if parked != seen.poison:
        found.append(f"I6: {parked} messages are parked, {seen.poison} were poison")
    return found


async def leaks(seen: Evidence) -> Found:
    """No connection, process or file is left behind."""
    members = seen.load.site.members.values()
    found = []
    rows = await seen.ledger.rows(
        "select application_name as role, count(*) as sessions,"
        " count(*) filter (where state like 'idle in transaction%'"
        " and state_change < clock_timestamp() - interval '5 seconds') as open"
        " from pg_stat_activity where application_name like 'marquee%' group by 1"
    )
    for row in rows:
        schema = row["role"].removeprefix("marquee_")
        processes = sum(1 for member in members if member.services[0].startswith(schema))
        if row["sessions"] > _CONNECTIONS * processes or row["open"]:
            found.append(f"I7: {row['role']} has {row['sessions']} sessions, {row['open']} open")
    for member in members:
        found += [f"I7: {member.name} left process {pid}" for pid in working_in(member.home)]
        found += [f"I7: {member.name} left {name}" for name in _left(member)]
    return found


def _left(member: Member) -> list[str]:
    work = member.home / "work"
    return [str(p) for p in work.rglob("*") if p.is_file() and p.suffix != ".lock"]


async def health(seen: Evidence) -> Found:
    """Whoever lived said so, whatever else was broken."""
    looks = [look for look in seen.load.vitals.looks if look.at >= seen.since]
    assert looks, "nobody has looked"
    return [
        f"I8: {look.name} did not say that it lives ({look.alive})"
        for look in looks
        if look.alive != 200 and look.name not in seen.load.frozen
    ]


async def listeners(seen: Evidence) -> Found:
    """The listener heard every event that is stored, in order, and once."""
    watcher = seen.load.watcher
    rows = await seen.ledger.rows(
        'select "offset", id::text from notifier.events'
        " where tenant_id = 'default' and \"offset\" > $1",
        watcher.first,
    )
    stored = {row["offset"]: row["id"] for row in rows}
    heard = {offset: frame["id"] for offset, (_, frame) in watcher.told.items()}
    return [
        *(f"I9: {wrong}" for wrong in watcher.wrongs),
        *(
            f"I9: event {offset} was not heard"
            for offset, ident in stored.items()
            if heard.get(offset) != ident
        ),
    ]
