"""Keyset paging: a page and an opaque cursor to the next one, whatever is inserted meanwhile."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, NamedTuple, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from shared.contracts.envelope import rfc3339

T = TypeVar("T")
P = TypeVar("P")


def cursor_text(moment: datetime, place: object) -> str:
    """The place of a row in a list, as text that clients need not understand."""
    text = f"{rfc3339(moment)},{place}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, place_of: Callable[[str], P]) -> tuple[datetime, P]:
    """Read what ``cursor_text`` wrote. Raises ValueError for anything else."""
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        moment, _, place = plain.partition(",")
        seen = datetime.fromisoformat(moment), place_of(place)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not a cursor of ours") from error
    if seen[0].utcoffset() != timedelta(0):
        raise ValueError("not a cursor of ours")
    return seen


class Cursor(NamedTuple):
    """The last row seen, by the two columns lists are ordered by."""

    created_at: datetime
    id: UUID

    def __str__(self) -> str:
        return cursor_text(self.created_at, self.id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote. Raises ValueError for anything else."""
        return cls(*read_cursor(text, UUID))

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema())


class PageQuery(BaseModel):
    """The paging part of a query string; subclass it to add filters."""

    limit: int = Field(50, ge=1, le=500, description="How many items a page has.")
    cursor: Annotated[Cursor, WithJsonSchema({"type": "string"})] | None = Field(
        None, description="Where the next page begins: the `next_cursor` of the page before."
    )


class Page(BaseModel, Generic[T]):
    """Items and where to go on; ``next_cursor`` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None

    @classmethod
    def of(cls, found: Sequence[T], limit: int, key: Callable[[T], tuple[datetime, UUID]]) -> Self:
        """A page of ``limit`` items from a query that asked for one more."""
        items = list(found[:limit])
        more = len(found) > limit
        return cls(items=items, next_cursor=str(Cursor(*key(items[-1]))) if more else None)
