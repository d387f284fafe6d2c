"""What is said on a WebSocket (``GET /ws``): the words of both sides, and why one is closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.assignment import Chunk
from shared.contracts.converter import AssetProgressed
from shared.contracts.event import Event
from shared.contracts.topology import NOTIFIER_STORE

RESTARTING = 1001
FAILED = 1011
TRY_AGAIN = 1013
EXPIRED = 4001
SLOW = 4008
MISBEHAVED = 4400

CLOSE_CODES: Mapping[int, str] = {
    RESTARTING: "The server restarts, or the numbering began anew: connect again.",
    FAILED: "The server made a mistake: connect again.",
    TRY_AGAIN: "The database is away: connect again after a pause.",
    EXPIRED: "The session ended or expired: sign in first.",
    SLOW: "You read too slowly: connect again, and subscribe from the last offset you saw.",
    MISBEHAVED: "Too many messages made no sense: mend the client.",
}
"""The codes the server closes a socket with, and what to do then (RFC 6455, section 7.4)."""

Offset = Annotated[int, Field(ge=0, lt=2**63)]
Topics = Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=100)]


class Subscribe(BaseModel):
    """Follow these topics from now on, or from what came after ``since``.

    ``epoch`` is that of the greeting under which ``since`` was seen: offsets mean nothing in
    another.
    """

    action: Literal["subscribe"]
    topics: Topics
    since: Offset | None = None
    epoch: str | None = None


class Unsubscribe(BaseModel):
    """Follow these topics no more."""

    action: Literal["unsubscribe"]
    topics: Topics


class Said(BaseModel):
    """Words of the server, which always say of what ``type`` they are."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Hello(Said):
    """The greeting: the numbering (``epoch``) and its newest ``offset``.

    ``recovered`` answers the ``since`` and ``epoch`` of the address, if they were given: whether
    a subscription from there will miss nothing.
    """

    type: Literal["hello"] = "hello"
    epoch: UUID
    offset: int
    recovered: bool


class Subscribed(Said):
    """These topics are followed now; what was missed comes next.

    ``recovered`` is false when something may be missing: load afresh what you show.
    """

    type: Literal["subscribed"] = "subscribed"
    topics: list[str]
    recovered: bool


class Unsubscribed(Said):
    """These topics are followed no more."""

    type: Literal["unsubscribed"] = "unsubscribed"
    topics: list[str]


ComplaintCode = Literal["invalid_message", "invalid_topic", "too_many_topics", "forbidden"]


class Complaint(Said):
    """A message could not be acted upon; what was followed is still followed."""

    type: Literal["error"] = "error"
    code: ComplaintCode
    detail: str


TOLD: tuple[type[Event], ...] = (
    *(event for event in NOTIFIER_STORE.events if not issubclass(event, Chunk)),
    AssetProgressed,
)
"""The events that listeners hear of; a chunk is told as the single facts it holds."""
