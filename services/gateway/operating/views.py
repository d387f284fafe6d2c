"""What the gateway puts together for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from shared.operating.views import (
    Consumer,
    ConversionsView,
    Count,
    DatabaseView,
    DiskView,
    FindingView,
    ParkedView,
    QueueView,
    RepairedView,
    ServiceName,
    ServiceView,
    ToldView,
    TrailView,
)


class VersionsView(BaseModel):
    """What runs; null is what could not be asked."""

    marquee: Annotated[str, Field(examples=["0.1.0"])]
    python: Annotated[str, Field(examples=["3.11.2"])]
    postgresql: Annotated[str | None, Field(examples=["18.1"])] = None
    broker: Annotated[str | None, Field(examples=["RabbitMQ 4.1.0"])] = None
    ffmpeg: Annotated[str | None, Field(examples=["7.0.2"])] = None


class SystemView(BaseModel):
    """The installation as it is now; ``ok`` if every service is. Null is what is not known."""

    checked_at: datetime
    status: Literal["ok", "degraded"]
    services: list[ServiceView]
    queues: list[QueueView]
    conversions: ConversionsView | None
    disk: DiskView
    database: DatabaseView | None
    versions: VersionsView
    audit: TrailView | None


class ParkedPage(BaseModel):
    """Parked messages, newest first. ``missing`` names services that could not be asked."""

    items: list[ParkedView]
    next_cursor: str | None = None
    missing: list[ServiceName] = []


class ResyncedView(BaseModel):
    """What is on its way to a consumer, all of it committed; nobody else hears of it."""

    consumer: Consumer
    queue: Annotated[str, Field(examples=["assignment.facts"])]
    told: list[ToldView]
    total: Count


class DoctorView(BaseModel):
    """What was found; ``unchecked`` names services that could not be asked."""

    checked_at: datetime
    healthy: bool
    findings: list[FindingView]
    unchecked: list[ServiceName]


class RepairsView(BaseModel):
    """What was repaired, or with ``dry_run`` would be, and what is left to a person."""

    checked_at: datetime
    dry_run: bool
    repaired: list[RepairedView]
    left: list[FindingView]
    unchecked: list[ServiceName]
