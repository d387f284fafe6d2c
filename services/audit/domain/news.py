"""What events make known of people and assets, besides what was done to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from shared.contracts.actor import Actor
from shared.contracts.chunks import singly
from shared.contracts.converter import AssetRestated, AssetUploaded, RenditionReady
from shared.contracts.envelope import Envelope, rfc3339
from shared.contracts.event import Event
from shared.contracts.identity import UserChanged, UserCreated, UserRestated

Row = dict[str, Any]
Rows = dict[UUID, Row]
"""Rows of a read model by id, as JSON; the newest of each."""


_USERS, _ASSETS = ("user_id",), ("asset_id", "previous_asset_id")


@dataclass(frozen=True, slots=True)
class News:
    """Rows for the read models: what is known, and stubs for ids that were only met."""

    users: Rows = field(default_factory=dict)
    admins: Rows = field(default_factory=dict)
    assets: Rows = field(default_factory=dict)
    thumbnails: Rows = field(default_factory=dict)


def news_of(facts: Iterable[Envelope[Event]]) -> News:
    """The news of a batch of events, whatever their order."""
    news = News()
    for fact in facts:
        _meet_actor(news, fact.context.actor)
        for each in singly(fact):
            _meet_named(news, each.event)
            _hear(news, each)
    return news


def _hear(news: News, fact: Envelope[Event]) -> None:
    match fact.event:
        case UserCreated() as event:
            _hear_of_user(news, event, administrates=event.role == "admin")
        case UserChanged() as event:
            administrates = event.role == "admin" or "role" in event.changed
            _hear_of_user(news, event, administrates=administrates)
        case AssetUploaded() as event:
            title = {"title": event.title}
            _learn(news.assets, event.asset_id, known=True, version=event.version, **title)
        case RenditionReady(rendition="thumbnail") as event:
            _hear_of_thumbnail(news, event.asset_id, event.object_key, rfc3339(fact.time))
        case UserRestated() as event:
            _hear_of_user(news, event, administrates=event.may_have_administrated)
        case AssetRestated() as event:
            title = {"title": event.title}
            _learn(news.assets, event.asset_id, known=True, version=event.version, **title)
            if event.thumbnail_key:
                _hear_of_thumbnail(news, event.asset_id, event.thumbnail_key, rfc3339(fact.time))


def _hear_of_user(
    news: News, event: UserCreated | UserChanged | UserRestated, *, administrates: bool
) -> None:
    person: Row = {"email": event.email, "name": event.display_name, "version": event.version}
    _learn(news.users, event.user_id, known=True, **person)
    if administrates:
        _learn(news.admins, event.user_id, known=True, kind="user", **person)


def _hear_of_thumbnail(news: News, asset_id: UUID, object_key: str, moment: str) -> None:
    earlier = news.thumbnails.get(asset_id)
    if earlier is None or earlier["thumbnail_at"] < moment:
        news.thumbnails[asset_id] = {
            "id": str(asset_id),
            "thumbnail_key": object_key,
            "thumbnail_at": moment,
        }


def _meet_actor(news: News, actor: Actor) -> None:
    name = {"user": None, "key": "API key", "system": "System"}[actor.kind]
    _learn(news.admins, actor.principal, known=bool(name), kind=actor.kind, name=name)


def _meet_named(news: News, event: Event) -> None:
    """Whatever an entry may refer to has a row, at least a stub."""
    for rows, names in ((news.users, _USERS), (news.assets, _ASSETS)):
        for name in names:
            if ident := getattr(event, name, None):
                _learn(rows, ident)


def _learn(rows: Rows, ident: UUID, *, known: bool = False, version: int = 0, **row: Any) -> None:
    earlier = rows.get(ident)
    if earlier is None or (known, version) > (earlier["known"], earlier["version"]):
        rows[ident] = {"id": str(ident), "known": known, "version": version, **row}
