"""I1 to I3: what was answered is there, once, and every conversion has come to its end.

Each is a function from the evidence to its violations, in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from faults.history import ANSWER_SECONDS, Call
from faults.ledger import Ledger
from faults.load import Load
from harness.events import ONCE
from harness.journey import RENDITIONS
from harness.product import EMAIL

Found = list[str]

REFUSALS = {
    "undo": {"undo_window_expired"},
    "late": {"undo_window_expired", "nothing_to_undo", "changed_since"},
    "revert": {"undo_window_open", "already_reverted", "changed_since", "nothing_to_undo"},
    "hostile": {"not_iso_media", "truncated", "no_video", "too_many_pixels", "undecodable"},
}
"""Codes with which a correct product may refuse what the workload asks for."""


@dataclass(frozen=True)
class Evidence:
    """All there is to judge by: the load of one fault, the history of the whole site.

    ``poison`` is how many messages were made to be parked, ``since`` when the load began.
    """

    load: Load
    ledger: Ledger
    since: float
    poison: int = 0

    @property
    def calls(self) -> list[Call]:
        """Every call of this load."""
        return [call for call in self.load.history.calls if call.invoked >= self.since]

    def done(self, *kinds: str) -> list[Call]:
        """Calls of these kinds that succeeded, ever since the site was built."""
        return list(self.load.history.of(*kinds))

    def lately(self, *kinds: str) -> list[Call]:
        """Those of this load."""
        return [call for call in self.done(*kinds) if call.invoked >= self.since]


async def answers(seen: Evidence) -> Found:
    """Every call was answered in the end: by a 2xx, or a refusal that is right. None hung."""
    found = []
    for call in seen.calls:
        if call.outcome not in ("ok", "failed"):
            found.append(f"I1: {call.kind} {call.key} never got an answer")
        elif call.outcome == "failed" and call.code not in REFUSALS.get(call.kind, ()):
            found.append(f"I1: {call.kind} was refused with {call.status} {call.answer}")
        for attempt in call.attempts:
            if attempt.status is not None and attempt.status >= 500 and attempt.status != 503:
                found.append(f"I8: {call.kind} was answered {attempt.status}")
            if attempt.status == 503 and not attempt.again_after:
                found.append(f"I8: {call.kind} was answered 503 without Retry-After")
            if attempt.seconds >= ANSWER_SECONDS:
                found.append(f"I8: {call.kind} hung for {attempt.seconds:.0f} s")
    return found


async def users(seen: Evidence) -> Found:
    """Who was created is there, once, and nobody else is."""
    wanted = [f"{call.answer['id']} {call.about['email']}" for call in seen.done("create")]
    rows = await seen.ledger.rows(
        "select id, email from identity.users where tenant_id = 'default' and email <> $1", EMAIL
    )
    return differing("user", wanted, (f"{row['id']} {row['email']}" for row in rows))


async def operations(seen: Evidence) -> Found:
    """Each assignment and each undo that was answered is there, and no other."""
    given = [c for c in seen.done("assign", "bulk") if not c.answer.get("unchanged")]
    rows = await seen.ledger.rows(
        "select id::text, kind, undoes::text from assignment.operations"
        " where status = 'completed' and tenant_id = 'default'"
    )
    made = (row["id"] for row in rows if row["undoes"] is None)
    undone = (row["undoes"] for row in rows if row["undoes"] is not None)
    taken_back = seen.done("undo", "late", "revert")
    return [
        *differing("operation", (call.answer["operation_id"] for call in given), made),
        *differing("undo of", (call.about["undoes"] for call in taken_back), undone),
    ]


async def holdings(seen: Evidence) -> Found:
    """Who has what follows from the answers."""
    rows = await seen.ledger.rows(
        "select user_id::text, asset_id::text from assignment.active_assignments"
    )
    has = {row["user_id"]: row["asset_id"] for row in rows}
    return [
        f"I2: {who} should have {asset} and has {has.get(who)}"
        for desk in seen.load.desks
        for who, asset in desk.holds.items()
        if has.get(who) != asset
    ]


async def conversions(seen: Evidence) -> Found:
    """Each upload is one asset with one job, which completed, each step and rendition once."""
    uploads = seen.done("upload")
    rows = await seen.ledger.rows(
        "select a.id::text, a.sha256, a.conversion_status, count(j.id) as jobs,"
        " array_agg(j.status) as ends,"
        " (select array_agg(rendition order by rendition) from converter.renditions r"
        "  where r.asset_id = a.id) as made,"
        " (select array_agg(status order by seq) from converter.conversion_status_history h"
        "  where h.asset_id = a.id) as steps"
        " from converter.admin_media_assets a left join converter.queue_jobs j"
        " on j.asset_id = a.id group by a.id, a.sha256, a.conversion_status"
    )
    assets = {row["id"]: row for row in rows}
    wanted = [call.about["sha256"] for call in uploads]
    known = set(wanted)
    found = differing("upload", wanted, (r["sha256"] for r in rows if r["sha256"] in known))
    for call in uploads:
        if (row := assets.get(call.answer["id"])) is None:
            continue
        steps = [step for step in row["steps"] or [] if step != "pending"]
        told = (row["conversion_status"], row["jobs"], steps, row["made"])
        if told != ("completed", 1, ["processing", "completed"], sorted(RENDITIONS)):
            found.append(f"I3: asset {row['id']}: {told}")
    return found


async def announced(seen: Evidence) -> Found:
    """What was answered was told to listeners, once: operations, undos, steps of conversions.

    Only of this load: older events may have been pruned.
    """
    rows = await seen.ledger.rows(
        "select type, data ->> 'operation_id' as operation, data ->> 'asset_id' as asset,"
        " coalesce(data ->> 'rendition', data ->> 'status', type) as step from notifier.events"
    )
    given = [c for c in seen.lately("assign", "bulk") if not c.answer.get("unchanged")]
    operations = {call.answer["operation_id"] for call in given}
    undone = {call.about["undoes"] for call in seen.lately("undo", "late", "revert")}
    assets = {call.answer["id"] for call in seen.lately("upload")}

    def told(kind: str, among: set[str]) -> Iterable[str]:
        return (r["operation"] for r in rows if r["type"] == kind and r["operation"] in among)

    return [
        *differing("news of", operations, told("assignment.operation.completed", operations)),
        *differing("news of undone", undone, told("assignment.operation.undone", undone)),
        *differing(
            "news of",
            (f"{asset} {step}" for asset in assets for step in ONCE),
            (
                f"{row['asset']} {row['step']}"
                for row in rows
                if row["asset"] in assets and row["type"].startswith("converter.")
            ),
        ),
    ]


def differing(what: str, expected: Iterable[str], found: Iterable[str]) -> Found:
    """What is missing, and what there is too much of."""
    wanted, there = Counter(expected), Counter(found)
    return [
        *(f"I1: {what} {each} is missing" for each in wanted - there),
        *(f"I2: {what} {each} is there {there[each]} times" for each in there - wanted),
    ]
