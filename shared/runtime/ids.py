"""Ids: UUIDv7 (RFC 9562), which sort by the time they were made."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from uuid_utils.compat import uuid7

NewId = Callable[[], UUID]


def new_id() -> UUID:
    """A new UUIDv7."""
    return uuid7()
