"""The JSON of this service."""

from __future__ import annotations

from datetime import datetime
from typing import Self, get_args
from uuid import UUID

from asyncpg import Record
from pydantic import BaseModel, Field

from shared.blobs.signing import MediaSigner
from shared.contracts.converter import ConversionStatus, Rendition
from shared.web import PageQuery


class AssetView(BaseModel):
    """An uploaded video, how far its conversion is, what came out of it, and who has it.

    URLs are valid for one to two hours; one is null until its rendition exists. The thumbnail is
    the first frame, the best poster one of the first seconds that shows something.
    """

    id: UUID
    title: str
    filename: str
    size_bytes: int
    sha256: str
    width: int | None
    height: int | None
    duration_seconds: float | None
    conversion_status: ConversionStatus
    progress: int = Field(ge=0, le=100)
    conversion_error: str | None
    conversion_error_code: str | None
    gif_url: str | None
    webm_url: str | None
    mp4_url: str | None
    thumbnail_url: str | None
    poster_best_url: str | None
    user_id: UUID | None
    assigned_at: datetime | None
    assigned_by: UUID | None
    active_assignment_count: int
    created_at: datetime
    created_by: UUID | None
    deleted_at: datetime | None

    @classmethod
    def of(cls, row: Record, signer: MediaSigner) -> Self:
        """The row, its object keys turned into URLs that can be used now."""
        fields = {name: row[name] for name in cls.model_fields}
        for kind in get_args(Rendition):
            key = row[f"{kind}_url"]
            fields[f"{kind}_url"] = signer.url(row["id"], kind, key) if key else None
        return cls(**fields)


class AssetsQuery(PageQuery):
    """Which assets to list."""

    status: ConversionStatus | None = None
    query: str | None = Field(None, max_length=200, description="Part of the title or file name.")
    deleted: bool = Field(False, description="List the deleted assets instead.")


class AssetQuery(BaseModel):
    """Whether a deleted asset may be shown."""

    deleted: bool = False


class UploadQuery(BaseModel):
    """What a raw body cannot tell of itself."""

    filename: str | None = Field(None, examples=["aurora.mp4"])
    title: str | None = Field(None, max_length=200)
