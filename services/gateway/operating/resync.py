"""Resync: has every owner tell a consumer its state again."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web

from services.gateway.operating.inside import Inside
from services.gateway.operating.views import ResyncedView
from shared.contracts.topology import COPIES
from shared.operating.restating import Restated
from shared.operating.views import Consumer, ResyncBody
from shared.web import Call, Routes
from shared.web.answer import json_response
from shared.web.idempotency import REPLAYED
from shared.web.problems import Unavailable

SECONDS = 120.0

OWNERS: dict[Consumer, tuple[str, ...]] = {
    "assignment": ("identity", "converter"),
    "audit": ("identity", "converter"),
    "converter": ("identity", "assignment"),
}
"""Whose things each of them keeps copies of."""

routes = Routes("Operations")


@routes.post("/api/admin/resync", answers={202: ResyncedView}, idempotent=True)
async def resync(call: Call[Inside], body: ResyncBody) -> web.Response:
    """Have a consumer told again what its copies should say, of all that is your tenant's.

    For one that came late, lost events, or had its database restored. It takes what is newer than
    what it has; nobody else hears of it, and the trail only that it was done. Should an owner be
    away, ask again: what the others have told does no harm a second time.
    """
    told, away = await call.parts.ask_all(
        call.request,
        OWNERS[body.consumer],
        "/internal/resync",
        method=hdrs.METH_POST,
        body=body,
        kind=Restated,
        seconds=SECONDS,
    )
    for refused in (each for each in told if not each.good):
        return refused.response(call.request)
    if away:
        raise Unavailable(f"Not told by {', '.join(away)}; ask again soon.", part=away[0])
    views = [view for each in told for view in each.body.told]
    view = ResyncedView(
        consumer=body.consumer,
        queue=COPIES[body.consumer].name,
        told=views,
        total=sum(each.count for each in views),
    )
    before = all(REPLAYED in each.headers for each in told)
    headers = {REPLAYED: "true"} if before else {}
    return json_response(view, status=HTTPStatus.ACCEPTED, headers=headers)
