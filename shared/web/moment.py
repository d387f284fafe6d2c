"""Times in query strings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema


def _moment(text: str) -> datetime:
    """A time as RFC 3339 or a date; without an offset it is UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("must be a time as in RFC 3339") from error


Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-05-04T12:00:00.000000Z"]}
    ),
]
"""A moment in UTC."""
