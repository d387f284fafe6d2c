"""The JSON of this service: what can be asked of the trail, and what it answers.

Names are looked up when the trail is asked; they are no part of an entry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from asyncpg import Record
from pydantic import (
    BaseModel,
    Field,
    GetCoreSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from services.audit.domain.archive import Archive
from services.audit.domain.chain import Fault, Reason
from services.audit.domain.entry import Action
from services.audit.queries import Order, Place, Search
from shared.blobs.signing import MediaSigner
from shared.web.moment import Moment
from shared.web.paging import Page, cursor_text, read_cursor

ARCHIVES = "/api/admin/audit/archives"

_MOST_ENTRIES = 2**63 - 1


class Seen(Place):
    """The last entry of a page, as an opaque cursor to the next page."""

    def __str__(self) -> str:
        return cursor_text(self.performed_at, self.seq)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote. Raises ValueError for anything else."""
        seen = cls(*read_cursor(text, int))
        if not 0 < seen.seq <= _MOST_ENTRIES:
            raise ValueError("not a cursor of ours")
        return seen

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema())


class _Filters(BaseModel):
    action: Action | None = None
    since: Moment | None = Field(None, alias="from", description="Nothing earlier.")
    until: Moment | None = Field(None, alias="to", description="Nothing later.")


class HistoryQuery(_Filters):
    """A page of a user's history."""

    limit: int = Field(50, ge=1, le=500, description="How many entries a page has.")
    offset: int = Field(0, ge=0, le=2**31 - 1, description="How many entries to pass over.")


class _TrailFilters(_Filters):
    user_id: UUID | None = None
    asset_id: UUID | None = None
    performed_by: UUID | None = None

    def search(self) -> Search:
        """The filters."""
        return Search(
            user_id=self.user_id,
            asset_id=self.asset_id,
            action=self.action,
            performed_by=self.performed_by,
            since=self.since,
            until=self.until,
        )


class TrailQuery(_TrailFilters):
    """A page of the trail."""

    expand: bool = Field(False, description="Show every user of an operation on many.")
    order: Order = Field("asc", description="`asc` begins with the oldest entry.")
    limit: int = Field(50, ge=1, le=500, description="How many entries a page has.")
    cursor: Annotated[Seen, WithJsonSchema({"type": "string"})] | None = Field(
        None, description="Where the next page begins: the `next_cursor` of the page before."
    )


class ExportQuery(_TrailFilters):
    """What to export, and how it is written."""

    format: Literal["jsonl", "csv"] = Field("jsonl", description="`csv` is for spreadsheets.")
    archived: bool = Field(
        True, description="Read archives too; without, entries that are archived are left out."
    )


_Seq = Annotated[int, Field(ge=1, le=_MOST_ENTRIES)]


class VerifyQuery(BaseModel):
    """What to verify: everything, the entries between two numbers, or a single one."""

    from_seq: _Seq | None = Field(None, description="The first entry of a part.")
    to_seq: _Seq | None = Field(None, description="The last entry of a part.")
    seq: _Seq | None = Field(None, description="A single entry, with the proof that it is there.")
    archives: bool = Field(
        True,
        description="Read the files of archives too; without, what was signed of them is believed.",
    )
    checkpoint: list[Annotated[str, Field(max_length=1000)]] = Field(
        default_factory=list,
        max_length=2,
        description="One or two checkpoints that were kept: the trail must continue them.",
    )

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        part = self.from_seq is not None or self.to_seq is not None
        if part + (self.seq is not None) + bool(self.checkpoint) > 1:
            raise ValueError("ask for a part, for one entry, or with checkpoints")
        if self.to_seq is not None and self.to_seq < (self.from_seq or 1):
            raise ValueError("to_seq must not be below from_seq")
        return self


class AssetDetails(BaseModel):
    """The asset of an entry; `title` is null until the asset is known here."""

    id: UUID
    title: str | None
    thumbnail_url: str | None


class AdminDetails(BaseModel):
    """Who did it; `kind` tells people from API keys and from the system itself."""

    id: UUID
    kind: Literal["user", "key", "system"]
    name: str | None
    email: str | None


class HistoryEntry(BaseModel):
    """One entry of the trail, with details of what it names."""

    id: UUID
    seq: int
    event_id: UUID
    action: Action
    user_id: UUID | None
    asset_id: UUID | None
    previous_asset_id: UUID | None
    assignment_id: UUID | None
    operation_id: UUID | None
    performed_by: UUID
    performed_at: datetime
    recorded_at: datetime
    reason: str | None
    metadata: dict[str, Any] | None
    asset: AssetDetails | None
    admin: AdminDetails

    @classmethod
    def of(cls, row: Record, signer: MediaSigner) -> Self:
        """An entry as it was read."""
        admin = AdminDetails(
            id=row["performed_by"], kind=row["kind"], name=row["name"], email=row["email"]
        )
        return cls(**dict(row), asset=_asset(row, signer), admin=admin)


def _asset(row: Record, signer: MediaSigner) -> AssetDetails | None:
    if row["asset_id"] is None:
        return None
    key = row["thumbnail_key"]
    url = None if key is None else signer.url(row["asset_id"], "thumbnail", key)
    return AssetDetails(id=row["asset_id"], title=row["title"], thumbnail_url=url)


class ArchivedBefore(BaseModel):
    """What a search does not find because it is archived: the first entries of the trail.

    They were recorded until then. `archives` lists the files they are in; exports hold them too.
    """

    entries: int
    recorded_until: datetime
    archives: str = ARCHIVES

    @classmethod
    def of(cls, floor: Archive | None, since: datetime | None) -> Self | None:
        """Unless nothing that was archived can have been done after ``since``."""
        if floor is None or (since is not None and since > floor.last_at):
            return None
        return cls(entries=floor.last, recorded_until=floor.last_at)


class TrailPage(Page[HistoryEntry]):
    """A page of the trail; `archived` is null unless entries looked for may be archived."""

    archived: ArchivedBefore | None = None


class History(BaseModel):
    """A page of a user's history; `total` counts the entries of all pages.

    `archived` is null unless entries of that time may be archived; they are not counted.
    """

    history: list[HistoryEntry]
    total: int
    limit: int
    offset: int
    archived: ArchivedBefore | None = None


class Inclusion(BaseModel):
    """That an entry is in the tree which the checkpoint signs (RFC 6962, section 2.1.1).

    Hashes are in hexadecimal; `proof` leads from the leaf to the root.
    """

    seq: int
    prev_hash: str
    hash: str
    proof: list[str]


class Consistency(BaseModel):
    """That the tree of `second` entries continues that of `first` (RFC 6962, section 2.1.2)."""

    first: int
    second: int
    proof: list[str]


class Verified(BaseModel):
    """Whether the trail holds, by itself and against every checkpoint that was ever signed.

    `first_bad` is the `seq` of the first entry that does not, and `reason` says in which way. Where
    only a checkpoint shows it, the place lies between `first_bad` and `until`. `entries` counts
    what was asked for. `checkpoint` is a signed note over the whole trail. `archived_entries` are
    the first ones, which are in archives; `restorations` counts the parts of earlier chains that
    somebody vouched were lost.
    """

    ok: bool
    entries: int
    archived_entries: int = 0
    restorations: int = 0
    first_bad: int | None = None
    until: int | None = None
    reason: Reason | None = None
    checkpoint: str | None = None
    inclusion: Inclusion | None = None
    consistency: Consistency | None = None

    @classmethod
    def but_for(cls, entries: int, fault: Fault, **known: int) -> Self:
        """It does not hold, whatever else is ``known`` of it."""
        return cls(
            ok=False,
            entries=entries,
            first_bad=fault.seq,
            until=fault.until,
            reason=fault.reason,
            **known,
        )


class AuditKey(BaseModel):
    """The Ed25519 key that signs checkpoints: 32 bytes in base64."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: str = Field(examples=["A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="])
