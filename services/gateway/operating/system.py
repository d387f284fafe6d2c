"""The system page: what every service says of itself, at one glance."""

from __future__ import annotations

import asyncio
import platform
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel

from services.gateway.operating.inside import Inside
from services.gateway.operating.views import SystemView, VersionsView
from services.gateway.table import SERVICES
from shared.contracts.topology import queues_of
from shared.operating.status import disk
from shared.operating.views import (
    ConversionsView,
    DatabaseView,
    DiskView,
    PartView,
    QueueView,
    ServiceView,
    StatusView,
    TrailView,
    WorkView,
)
from shared.runtime.version import product_version
from shared.web import Call, Routes
from shared.web.problems import Unavailable

SECONDS = 4.0
"""How long a service may take to say how it is: its checks have two seconds each, at once."""

V = TypeVar("V", bound=BaseModel)

routes = Routes("Operations")


@routes.get("/api/admin/system")
async def show_system(call: Call[Inside]) -> SystemView:
    """Show how the installation is: services, queues, conversions, disk, database, versions.

    A service that does not answer is `down`; the answer comes within some seconds all the same.
    The figures are those of the whole installation, but for `audit`, which is your tenant's.
    """
    inside, request = call.parts, call.request
    statuses, work, trail = await asyncio.gather(
        _statuses(inside, request),
        _ask(inside, request, "converter", "/internal/work", WorkView),
        _ask(inside, request, "audit", "/internal/trail", TrailView),
    )
    services = [_gateway(inside, statuses), *(_service(n, statuses.get(n)) for n in SERVICES)]
    good = all(service.status == "ok" for service in services)
    return SystemView(
        checked_at=datetime.now(UTC),
        status="ok" if good else "degraded",
        services=services,
        queues=[queue for name in SERVICES for queue in _queues(name, statuses.get(name))],
        conversions=_conversions(work),
        disk=_disk(statuses, inside),
        database=_database(statuses),
        versions=_versions(statuses, work),
        audit=trail,
    )


async def _statuses(inside: Inside, request: web.Request) -> dict[str, StatusView]:
    """What each service says of itself, if it says anything."""
    told = await asyncio.gather(
        *(_ask(inside, request, name, "/internal/status", StatusView) for name in SERVICES)
    )
    return {name: each for name, each in zip(SERVICES, told, strict=True) if each}


async def _ask(
    inside: Inside, request: web.Request, service: str, path: str, model: type[V]
) -> V | None:
    try:
        told = await inside.ask(request, service, path, kind=model, seconds=SECONDS)
    except Unavailable:
        return None
    return told.body if told.status == HTTPStatus.OK else None


def _service(name: str, status: StatusView | None) -> ServiceView:
    if status is None:
        return ServiceView(name=name, status="down")
    return ServiceView.model_validate(status.model_dump(include=set(ServiceView.model_fields)))


def _gateway(inside: Inside, statuses: dict[str, StatusView]) -> ServiceView:
    """The gateway itself: its parts are the services."""
    parts = [PartView(name=name, ok=name in statuses, critical=False) for name in SERVICES]
    now = datetime.now(UTC)
    return ServiceView(
        name="gateway",
        status="ok" if len(statuses) == len(SERVICES) else "degraded",
        version=product_version(),
        started_at=inside.home.started_at,
        uptime_seconds=(now - inside.home.started_at).total_seconds(),
        parts=parts,
    )


def _queues(service: str, status: StatusView | None) -> list[QueueView]:
    """A service's queues, also while it cannot say anything of them."""
    if status is not None:
        return status.queues
    unknown = {"ready": None, "parked": None, "consumers": None}
    return [
        QueueView.model_validate({"name": queue.name, "service": service, **unknown})
        for queue in queues_of(service)
    ]


def _conversions(work: WorkView | None) -> ConversionsView | None:
    if work is None:
        return None
    return ConversionsView.model_validate(
        work.model_dump(include=set(ConversionsView.model_fields))
    )


def _disk(statuses: dict[str, StatusView], inside: Inside) -> DiskView:
    """The converter's: it stores the files. Without it, what this process sees."""
    if "converter" in statuses:
        return statuses["converter"].disk
    return disk(inside.home.data_dir, inside.home.blobs)


def _database(statuses: dict[str, StatusView]) -> DatabaseView | None:
    """As the first tells that knows, with the oldest transaction that any of them sees."""
    told = [status.database for status in statuses.values() if status.database]
    if not told:
        return None
    ages = [each.oldest_transaction_seconds for each in told]
    oldest = max((age for age in ages if age is not None), default=None)
    return told[0].model_copy(update={"oldest_transaction_seconds": oldest})


def _versions(statuses: dict[str, StatusView], work: WorkView | None) -> VersionsView:
    told: list[StatusView] = list(statuses.values())
    return VersionsView(
        marquee=product_version(),
        python=platform.python_version(),
        postgresql=next((each.postgresql for each in told if each.postgresql), None),
        broker=next((each.broker for each in told if each.broker), None),
        ffmpeg=work.ffmpeg if work else None,
    )
