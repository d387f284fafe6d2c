"""Notices: events as people are told of them, and the numbered stream they form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifier.domain.topics import topics_of
from shared.contracts.envelope import Envelope, rfc3339
from shared.contracts.event import Event


@dataclass(frozen=True, slots=True)
class Notice:
    """An event on its way to people. A transient one has neither ``offset`` nor ``id``."""

    type: str
    time: datetime
    data: Mapping[str, Any]
    topics: Sequence[str]
    offset: int | None = None
    id: UUID | None = None

    @classmethod
    def of(cls, fact: Envelope[Event]) -> Notice:
        """A fact as a notice, not yet numbered."""
        data = fact.event.model_dump(mode="json")
        for name, value in fact.event:
            if isinstance(value, datetime):
                data[name] = rfc3339(value)
        topics = [str(topic) for topic in topics_of(fact.event)]
        return cls(fact.event.name, fact.time, data, topics)

    def told(self, url_of: Callable[[str, str, str], str]) -> dict[str, Any]:
        """What a listener gets; where a file is stored becomes a URL that works for a while.

        ``url_of`` makes one of an asset, its rendition, and where that is stored.
        """
        data = dict(self.data)
        if object_key := data.pop("object_key", None):
            data["url"] = url_of(data["asset_id"], data["rendition"], object_key)
        told = {"type": self.type, "time": self.time, "data": data}
        return told if self.offset is None else {"offset": self.offset, "id": self.id, **told}


@dataclass(frozen=True, slots=True)
class Stream:
    """The numbering of a tenant's notices: 1, 2, 3, ... within one epoch.

    ``pruned_offset`` is the last that has been forgotten, ``last_offset`` the newest.
    """

    epoch: UUID
    last_offset: int
    pruned_offset: int

    def recovers(self, since: int | None, epoch: str | None) -> bool:
        """Whether everything after ``since`` is still there; never for an unknown numbering."""
        if since is None or epoch not in (None, str(self.epoch)):
            return False
        return self.pruned_offset <= since <= self.last_offset
