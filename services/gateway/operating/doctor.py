"""The doctor: what every service finds wrong with itself, and where their copies differ."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, get_args

from aiohttp import hdrs, web

from services.gateway.operating.inside import Inside
from services.gateway.operating.resync import OWNERS
from services.gateway.operating.resync import SECONDS as RESYNC_SECONDS
from services.gateway.operating.views import DoctorView, RepairsView
from services.gateway.table import SERVICES
from shared.operating.views import (
    CheckupView,
    Consumer,
    FindingView,
    RepairBody,
    RepairedView,
    ResyncBody,
)
from shared.web import Call, Routes
from shared.web.problems import Unavailable

SECONDS = 60.0

ON_THE_WAY = 2.0
"""Seconds in which a copy catches up with its owner, before it counts as differing."""

DIFFERS = "read_model_differs"

_REPAIR = "Have the owners tell it again"

routes = Routes("Operations")


@routes.get("/api/admin/doctor")
async def examine(call: Call[Inside]) -> DoctorView:
    """Look for what is wrong: files, jobs, events, queues, copies and the trail.

    What concerns data is looked for in your tenant, everything else in the installation.
    """
    findings, away = await _findings(call.parts, call.request)
    return DoctorView(
        checked_at=datetime.now(UTC),
        healthy=not findings and not away,
        findings=findings,
        unchecked=away,
    )


@routes.post("/api/admin/doctor", answers={200: RepairsView}, idempotent=True)
async def repair(call: Call[Inside], body: RepairBody | None = None) -> Any:
    """Repair what can be repaired without loss, or with `dry_run` say what would be.

    What is repaired is in the trail. With the same Idempotency-Key nothing is repaired twice, and
    the answer tells what was; what is left is looked for anew.
    """
    body = body or RepairBody()
    told, away = await call.parts.ask_all(
        call.request,
        SERVICES,
        "/internal/doctor",
        method=hdrs.METH_POST,
        body=body,
        kind=list[RepairedView],
        seconds=SECONDS,
    )
    for refused in (each for each in told if not each.good):
        return refused.response(call.request)
    repaired = [item for each in told for item in each.body]
    if body.codes is None or DIFFERS in body.codes:
        repaired += await _tell_again(call.parts, call.request, dry_run=body.dry_run)
    left, also_away = await _findings(call.parts, call.request)
    mended = {(each.code, each.service) for each in repaired}
    return RepairsView(
        checked_at=datetime.now(UTC),
        dry_run=body.dry_run,
        repaired=repaired,
        left=[each for each in left if not body.dry_run or (each.code, each.service) not in mended],
        unchecked=sorted({*away, *also_away}),
    )


async def _findings(inside: Inside, request: web.Request) -> tuple[list[FindingView], list[str]]:
    checkups, away = await _checkups(inside, request)
    found = [finding for checkup in checkups.values() for finding in checkup.findings]
    found += [
        FindingView(
            code=DIFFERS,
            service=consumer,
            title="A copy differs from what its owner has",
            detail="The owner tells of every change; some did not arrive, or a database was"
            " restored. What is newer here than at its owner stays as it is.",
            count=len(what),
            examples=what,
            repairable=True,
            repair=_REPAIR,
        )
        for consumer, what in (await _differing(inside, request, checkups)).items()
    ]
    return found, away


async def _checkups(
    inside: Inside, request: web.Request
) -> tuple[dict[str, CheckupView], list[str]]:
    told, away = await inside.ask_all(
        request, SERVICES, "/internal/doctor", kind=CheckupView, seconds=SECONDS
    )
    return {each.service: each.body for each in told}, away


async def _differing(
    inside: Inside, request: web.Request, checkups: dict[str, CheckupView]
) -> dict[Consumer, list[str]]:
    """Which copies differ, and still do a moment later."""
    first = _compared(checkups)
    if not first:
        return {}
    await asyncio.sleep(ON_THE_WAY)
    again, _ = await _checkups(inside, request)
    second = _compared(again)
    return {consumer: second[consumer] for consumer in first if consumer in second}


def _compared(checkups: dict[str, CheckupView]) -> dict[Consumer, list[str]]:
    owned = {
        name: (service, digest)
        for service, checkup in checkups.items()
        for name, digest in checkup.owns.items()
    }
    differing: dict[Consumer, list[str]] = {}
    for consumer in get_args(Consumer):
        keeps = checkups[consumer].keeps if consumer in checkups else {}
        for name, digest in keeps.items():
            owner, own = owned.get(name, (None, digest))
            if own != digest:
                told = f"{name}: {own.count} at {owner}, {digest.count} here"
                differing.setdefault(consumer, []).append(told)
    return differing


async def _tell_again(inside: Inside, request: web.Request, *, dry_run: bool) -> list[RepairedView]:
    """Resync every consumer whose copies differ. Raises Unavailable if an owner is away."""
    checkups, _ = await _checkups(inside, request)
    repaired = []
    for consumer, what in (await _differing(inside, request, checkups)).items():
        if not dry_run:
            await _resync(inside, request, consumer)
        repaired.append(
            RepairedView(code=DIFFERS, service=consumer, count=len(what), detail=_REPAIR)
        )
    return repaired


async def _resync(inside: Inside, request: web.Request, consumer: Consumer) -> None:
    _, away = await inside.ask_all(
        request,
        OWNERS[consumer],
        "/internal/resync",
        method=hdrs.METH_POST,
        body=ResyncBody(consumer=consumer),
        part=consumer,
        seconds=RESYNC_SECONDS,
    )
    if away:
        raise Unavailable(f"Not told by {', '.join(away)}; ask again soon.", part=away[0])
