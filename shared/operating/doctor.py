"""What each service can find wrong with itself, and mend.

A finding is made anew each time from what is there; nothing is remembered. What is mended is what
can be made again without loss; everything else is told to a person.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.bus.port import Bus, BusUnavailable
from shared.contracts.context import Context
from shared.contracts.maintenance import Maintenance
from shared.db import Database, Tx
from shared.operating.views import (
    CheckupView,
    DigestView,
    FindingView,
    RepairBody,
    RepairedView,
)
from shared.web import Answer, Call, Routes

LAGGING = timedelta(seconds=60)
"""An event that waits longer in an outbox than this is stuck, or the bus is away."""

EXAMPLES = 10

Look = Callable[[Context], Awaitable[Sequence[str]]]
"""What a fault concerns, as text; nothing if all is well."""

Mend = Callable[[Context], Awaitable[int]]
"""Puts it right; returns how much was."""


@dataclass(frozen=True, slots=True)
class Ailment:
    """A kind of fault; ``mend`` where that is safe, and ``repair`` says what it does."""

    code: str
    title: str
    detail: str
    look: Look
    repair: str | None = None
    mend: Mend | None = None


@dataclass(frozen=True, slots=True)
class Practice:
    """What one service looks for. ``owns`` and ``keeps`` are queries for digests, by what of.

    Such a query has two columns: how many, and a digest that is the same where the rows are.
    """

    service: str
    database: Database
    deed: type[Maintenance]
    ailments: Sequence[Ailment]
    owns: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)

    async def examine(self, context: Context) -> CheckupView:
        """Look for everything."""
        found = [await self._look(ailment, context) for ailment in self.ailments]
        return CheckupView(
            findings=[finding for finding in found if finding],
            owns=await self._digests(self.owns, context),
            keeps=await self._digests(self.keeps, context),
        )

    async def repair(self, context: Context, body: RepairBody) -> list[RepairedView]:
        """Mend what is asked for, or say what would be mended."""
        done = []
        for ailment in self.ailments:
            wanted = body.codes is None or ailment.code in body.codes
            if not wanted or ailment.mend is None or not ailment.repair:
                continue
            concerned = await ailment.look(context)
            if not concerned:
                continue
            count = len(concerned) if body.dry_run else await ailment.mend(context)
            done.append(
                RepairedView(
                    code=ailment.code, service=self.service, count=count, detail=ailment.repair
                )
            )
        return done

    def tell(self, tx: Tx, repaired: Sequence[RepairedView]) -> None:
        """Tell the trail what was mended."""
        for each in repaired:
            tx.emit(
                self.deed(
                    maintenance_id=tx.new_id(),
                    kind="fault_repaired",
                    finding=each.code,
                    count=each.count,
                )
            )

    async def _look(self, ailment: Ailment, context: Context) -> FindingView | None:
        concerned = await ailment.look(context)
        if not concerned:
            return None
        return FindingView(
            code=ailment.code,
            service=self.service,
            title=ailment.title,
            detail=ailment.detail,
            count=len(concerned),
            examples=list(concerned[:EXAMPLES]),
            repairable=ailment.mend is not None,
            repair=ailment.repair,
        )

    async def _digests(self, queries: Mapping[str, str], context: Context) -> dict[str, DigestView]:
        digests = {}
        async with self.database.snapshot(context) as tx:
            for name, query in queries.items():
                row = await tx.connection.fetchrow(query)
                assert row is not None  # an aggregate
                digests[name] = DigestView(count=row[0], digest=row[1] or "")
        return digests


def outbox_lags(database: Database) -> Ailment:
    """Events that do not get on to the bus."""
    question = (
        f"select type, count(*) from {database.schema}.outbox "  # noqa: S608
        "where created_at < clock_timestamp() - $1::interval group by type order by type"
    )

    async def look(_: Context) -> list[str]:
        rows = await database.pool.fetch(question, LAGGING)
        return [row["type"] for row in rows for _ in range(row["count"])]

    return Ailment(
        "outbox_lagging",
        "Events wait to be sent",
        "They are committed and safe, but the bus does not take them: it is away, or no queue is"
        " bound to them. They go out by themselves once it does.",
        look,
    )


def queues_missing(bus: Bus) -> Ailment:
    """Queues that somebody deleted."""

    async def look(_: Context) -> list[str]:
        try:
            return await bus.missing()
        except BusUnavailable:
            return []  # that the bus is away is said elsewhere

    async def mend(_: Context) -> int:
        missing = await bus.missing()
        await bus.declare()
        return len(missing)

    return Ailment(
        "queue_missing",
        "A queue is not there",
        "What it held is lost, and what would come to it is not kept. After it is declared again,"
        " a resync tells its consumer what it missed.",
        look,
        "Declare every exchange, queue and binding again",
        mend,
    )


def digest_of(columns: str, source: str) -> str:
    """A query for a digest of rows: how many there are, and what is in their columns, by id."""
    row = f"concat_ws(':', {columns})"
    return f"select count(*), md5(string_agg({row}, ',' order by id)) from {source}"  # noqa: S608


routes = Routes("Doctor")


@routes.get("/internal/doctor", access="internal")
async def examine(call: Call[Practice]) -> CheckupView:
    """What this service finds wrong."""
    return await call.parts.examine(call.context)


@routes.post(
    "/internal/doctor", access="internal", answers={200: list[RepairedView]}, idempotent=True
)
async def repair(call: Call[Practice], body: RepairBody) -> Answer:
    """Mend what can be mended; a second time there is nothing left to mend."""
    practice = call.parts
    if kept := await call.answered(practice.database):
        return kept
    repaired = await practice.repair(call.context, body)

    async def command(tx: Tx) -> Answer:
        if not body.dry_run:
            practice.tell(tx, repaired)
        return Answer(200, repaired)

    return await call.once(practice.database, command)
