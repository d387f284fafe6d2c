"""The JSON that services and gateway exchange about their state, and show to operators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from shared.web import PageQuery

Seconds = Annotated[float, Field(ge=0, examples=[12.5])]
Count = Annotated[int, Field(ge=0, examples=[3])]
Bytes = Annotated[int, Field(ge=0, examples=[21474836480])]
ServiceName = Annotated[str, Field(examples=["audit"])]
QueueName = Annotated[str, Field(examples=["audit.trail"])]


class PartView(BaseModel):
    """Something a service needs; without a ``critical`` part it cannot answer."""

    name: Annotated[str, Field(examples=["database"])]
    ok: bool
    critical: bool


class OutboxView(BaseModel):
    """Events that are committed and not yet on the bus."""

    waiting: Count
    oldest_seconds: Seconds | None


class ServiceView(BaseModel):
    """A service: ``down`` if it does not answer, and then nothing else is known of it."""

    name: ServiceName
    status: Literal["ok", "degraded", "starting", "stopping", "unavailable", "down"]
    version: Annotated[str | None, Field(examples=["0.1.0"])] = None
    started_at: datetime | None = None
    uptime_seconds: Seconds | None = None
    parts: list[PartView] = []
    outbox: OutboxView | None = None


class QueueView(BaseModel):
    """A queue: ``ready`` waits to be handed out, ``parked`` was given up on.

    Null is what the broker did not tell. ``oldest_seconds`` is known of the embedded bus alone: a
    broker would have to hand the message out to tell.
    """

    name: QueueName
    service: ServiceName
    ready: Count | None
    parked: Count | None
    consumers: Count | None
    oldest_seconds: Seconds | None = None


class ConversionsView(BaseModel):
    """Conversions of all tenants.

    ``workers`` take tickets now; ``slots`` is how many conversions the one that answered runs at a
    time, and others have their own.
    """

    running: Count
    waiting: Count
    workers: Count | None
    slots: Count


class WorkView(ConversionsView):
    """The same, with the program's own version."""

    ffmpeg: str | None


class SpaceView(BaseModel):
    """A file system."""

    total_bytes: Bytes
    free_bytes: Bytes


class BlobsView(BaseModel):
    """Where files are kept; ``space`` where that is a directory."""

    kind: Literal["directory", "s3"]
    space: SpaceView | None = None


class DiskView(BaseModel):
    """The data directory, and the blob store."""

    data: SpaceView
    blobs: BlobsView


class DatabaseView(BaseModel):
    """The database that the services share."""

    size_bytes: Bytes
    connections: Count
    max_connections: Count
    oldest_transaction_seconds: Seconds | None


class StatusView(ServiceView):
    """What a service says of itself, of its queues, and of what it stands on."""

    queues: list[QueueView]
    database: DatabaseView | None
    disk: DiskView
    python: str
    postgresql: str | None
    broker: str | None


class CheckpointView(BaseModel):
    """The newest signed checkpoint."""

    size: Count
    signed_at: datetime


class TrailView(BaseModel):
    """Your tenant's audit trail; ``holds`` is false once it contradicts what was signed of it."""

    entries: Count
    checkpoint: CheckpointView | None
    holds: bool


class ParkedQuery(PageQuery):
    """Which parked messages."""

    queue: Annotated[str | None, Field(max_length=100, examples=["audit.trail"])] = None


class ParkedView(BaseModel):
    """A message that was given up on.

    ``event_id`` is the message's own, and stays so when it is replayed; ``id`` names this time
    that it was parked. ``tenant`` is null for a message that names none.
    """

    id: UUID
    queue: QueueName
    service: ServiceName
    event_type: Annotated[str | None, Field(examples=["identity.user.created.v1"])]
    event_id: UUID
    subject: str | None
    tenant: Annotated[str | None, Field(examples=["default"])]
    parked_at: datetime
    attempts: Count
    replays: Annotated[int, Field(ge=0, examples=[0])]
    error_class: Annotated[str, Field(examples=["ValueError"])]
    error: Annotated[str, Field(examples=["ValueError('no such asset')"])]


class ParkedDetail(ParkedView):
    """The same with all it says; a body that is no text is told in base64."""

    headers: dict[str, str]
    body: Annotated[str, Field(examples=['{"user_id": "019a9d3c-5c00-7000-8000-000000000001"}'])]
    body_encoding: Literal["utf-8", "base64"]


class ReplayedView(BaseModel):
    """What became of a message: ``replayed`` now, or ``replayed_before``, by whom and when."""

    id: UUID
    queue: QueueName
    event_id: UUID
    outcome: Literal["replayed", "replayed_before"]
    replayed_at: datetime
    replayed_by: Annotated[str, Field(examples=["user:019a9d3c-5c00-7000-8000-000000000001"])]


Consumer = Literal["assignment", "audit", "converter"]
"""Who keeps copies of what others own."""


class ResyncBody(BaseModel):
    """Who shall be told again."""

    model_config = ConfigDict(extra="forbid")

    consumer: Annotated[Consumer, Field(examples=["assignment"])]


class ToldView(BaseModel):
    """How much of its own a service tells again."""

    service: Annotated[str, Field(examples=["identity"])]
    kind: Annotated[str, Field(examples=["users"])]
    count: Count


class FindingView(BaseModel):
    """Something that is not as it should be, in your tenant or in the installation.

    ``examples`` are some of what it concerns. What is ``repairable`` is repaired by ``repair``.
    """

    code: Annotated[str, Field(examples=["read_model_differs"])]
    service: ServiceName
    title: Annotated[str, Field(examples=["A copy differs from what its owner has"])]
    detail: str
    count: Count
    examples: list[str]
    repairable: bool
    repair: str | None


class RepairBody(BaseModel):
    """What to repair: the findings of these codes, or all that can be; or only say what would be.

    Without a body, all that can be repaired is.
    """

    model_config = ConfigDict(extra="forbid")

    codes: list[Annotated[str, Field(max_length=50)]] | None = Field(None, max_length=50)
    dry_run: StrictBool = False


class RepairedView(BaseModel):
    """What was done about one finding, or would be."""

    code: str
    service: ServiceName
    count: Count
    detail: str
