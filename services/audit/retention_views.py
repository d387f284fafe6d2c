"""The JSON of retention: archives, legal holds, and restored backups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from asyncpg import Record
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.audit.domain.archive import Archive
from services.audit.holds import Held
from services.audit.views import ARCHIVES
from shared.web import PageQuery
from shared.web.moment import Moment

MOST_ENTRIES = 2**63 - 1

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    Field(examples=["Case 2026-17: keep until the court has decided."]),
]


class ArchiveView(BaseModel):
    """A file of consecutive entries. `online` while they are in the database besides.

    `sha256` is the file's, in hexadecimal; `checkpoint` is the signed note it ends with.
    """

    id: UUID
    first_seq: int
    last_seq: int
    entries: int
    recorded_from: datetime
    recorded_until: datetime
    size_bytes: int
    sha256: str
    checkpoint: str
    archived_at: datetime
    online: bool
    object_key: str
    url: str

    @classmethod
    def of(cls, archive: Archive, floor: Archive | None) -> Self:
        """An archive, and whether it is above the newest whose entries are gone."""
        return cls(
            id=archive.id,
            first_seq=archive.first,
            last_seq=archive.last,
            entries=archive.entries,
            recorded_from=archive.first_at,
            recorded_until=archive.last_at,
            size_bytes=archive.size_bytes,
            sha256=archive.sha256.hex(),
            checkpoint=archive.checkpoint,
            archived_at=archive.archived_at,
            online=floor is None or archive.last > floor.last,
            object_key=archive.object_key,
            url=f"{ARCHIVES}/{archive.id}",
        )


class HoldBody(BaseModel):
    """What to hold: entries that fit everything given; given nothing else, all of them."""

    model_config = ConfigDict(populate_by_name=True)

    reason: Reason
    user_id: UUID | None = None
    asset_id: UUID | None = None
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise ValueError("to must not be before from")
        return self

    def held(self) -> Held:
        """What the hold is on."""
        return Held(self.user_id, self.asset_id, self.since, self.until)


class HoldsQuery(PageQuery):
    """``active`` shows only holds that are not released, or only those that are."""

    active: bool | None = None


class ReleaseQuery(BaseModel):
    """Why it need not be held any longer."""

    reason: Reason


class Hold(BaseModel):
    """A legal hold; released if `released_at` is not null."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: UUID
    reason: str
    user_id: UUID | None
    asset_id: UUID | None
    since: datetime | None = Field(serialization_alias="from")
    until: datetime | None = Field(serialization_alias="to")
    placed_by: UUID
    placed_at: datetime
    released_by: UUID | None
    released_at: datetime | None
    release_reason: str | None

    @classmethod
    def of(cls, row: Record) -> Self:
        """A hold as it is stored."""
        return cls.model_validate({name: row[name] for name in cls.model_fields})


class OnlineEntries(BaseModel):
    """What is in the database: nulls where nothing is."""

    entries: int
    first_seq: int | None
    recorded_since: datetime | None


class ArchivedEntries(BaseModel):
    """What is not in the database any more, and how much the files of all archives hold."""

    entries: int
    recorded_until: datetime | None
    archives: int
    size_bytes: int


class Holding(BaseModel):
    """How many holds are not released, and the first entry that one of them covers."""

    active: int
    first_held_seq: int | None


class LastRun(BaseModel):
    """When the trail was looked after; anything but `done` and `held` is a fault to look into."""

    ran_at: datetime
    outcome: str


class Retention(BaseModel):
    """How long entries stay in the database, and what is where now."""

    retention_days: int
    online: OnlineEntries
    archived: ArchivedEntries
    holds: Holding
    last_run: LastRun | None
    next_run_at: datetime | None


class RestorationBody(BaseModel):
    """That a backup was restored; `first_bad` is what verifying the trail says."""

    first_bad: Annotated[int, Field(ge=1, le=MOST_ENTRIES)]
    reason: Reason


class RestorationView(BaseModel):
    """A part of the trail that was lost: entries above `after` up to at least `until`.

    `seq` is the entry that says so, `checkpoints` how many of the lost part were set aside, and
    `statement` the signed note about them.
    """

    id: UUID
    seq: int
    after: int
    until: int
    checkpoints: int
    statement: str
    reason: str
    acknowledged_by: UUID
    acknowledged_at: datetime

    @classmethod
    def of(cls, row: Record) -> Self:
        """A restoration as it is stored."""
        sizes = [size for size, _ in row["lost"]]
        return cls(
            id=row["id"],
            seq=row["entry_seq"],
            after=row["after_seq"],
            until=max(sizes, default=row["after_seq"]),
            checkpoints=len(sizes),
            statement=row["stated"],
            reason=row["reason"],
            acknowledged_by=row["acknowledged_by"],
            acknowledged_at=row["acknowledged_at"],
        )


class Restorations(BaseModel):
    """Every part of the trail that was lost, the oldest first."""

    items: list[RestorationView]
