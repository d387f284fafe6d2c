"""What ``converter`` publishes, and what is said of an asset it has told nobody of."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.event import Event
from shared.contracts.refusal import Refusal

WITHDRAWN = "X-Withdrawn-Version"
"""The header in which the gateway passes on, as a version, what was promised of an asset."""

ConversionStatus = Literal["pending", "processing", "completed", "failed"]
Rendition = Literal["thumbnail", "mp4", "gif", "poster_best", "webm"]


class AssetUploaded(Event):
    """An original is stored and waits for conversion."""

    name = "converter.asset.uploaded"
    subject = "asset_id"

    asset_id: UUID
    title: str
    filename: str
    size_bytes: int
    sha256: str
    version: int


class AssetStatusChanged(Event):
    """The conversion of an asset moved on; ``version`` grows with each change of the asset."""

    name = "converter.asset.status_changed"
    subject = "asset_id"

    asset_id: UUID
    status: ConversionStatus
    previous_status: ConversionStatus
    error: str | None = None
    error_code: str | None = None
    version: int


class RenditionReady(Event):
    """One output can be fetched; the others may still be in the making."""

    name = "converter.asset.rendition_ready"
    subject = "asset_id"

    asset_id: UUID
    rendition: Rendition
    object_key: str


class AssetDeleted(Event):
    """An asset is gone for everybody but those who ask for deleted ones; its files are kept."""

    name = "converter.asset.deleted"
    subject = "asset_id"

    asset_id: UUID
    version: int


class AssetRestated(Event):
    """An asset as it is now, told again to one who keeps copies; nothing has happened.

    ``restored_version`` is the version in which it was last restored; 0, if it never was.
    """

    name = "converter.asset.restated"
    subject = "asset_id"

    asset_id: UUID
    title: str
    filename: str
    status: ConversionStatus
    thumbnail_key: str | None
    deleted_at: datetime | None
    version: int
    restored_version: int = 0


class AssetRestored(Event):
    """An asset that was deleted is there again, as it was."""

    name = "converter.asset.restored"
    subject = "asset_id"

    asset_id: UUID
    version: int


class AssetProgressed(Event):
    """How far the running conversion is, in percent of all its work."""

    name = "converter.asset.progress"
    subject = "asset_id"
    transient = True

    asset_id: UUID
    percent: int
    stage: str


class TicketIssued(Event):
    """Permission for one worker to claim the best waiting job; it names none."""

    name = "converter.ticket.issued"
    subject = "ticket_id"

    ticket_id: UUID


class AssetNotFound(Refusal):
    """The tenant has no such asset, as far as is known here, or it was deleted."""

    code = "asset_not_found"
    status = 404
    title = "Asset not found"


class RestorationUnderWay(Refusal):
    """The asset was restored a moment ago, and who assigns it has not heard of that yet."""

    code = "restoration_under_way"
    status = 409
    title = "The asset was just restored"


class AssetInUse(Refusal):
    """Somebody has the asset now; it cannot be deleted until nobody has."""

    code = "asset_assigned"
    status = 409
    title = "The asset is assigned"
