"""What handlers give back, and how it becomes JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel

from shared.contracts.envelope import rfc3339


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that needs another status than usual, or headers. Without a body it is empty."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def encode(body: Any) -> bytes:
    """JSON; moments in UTC with six decimals and ``Z``."""
    return orjson.dumps(body, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        if value.model_config.get("serialize_by_alias"):
            return value.model_dump()
        return value.__dict__  # its fields; a model among them comes here in its turn
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value)  # asyncpg's UUID, which is a subclass


def json_response(
    body: Any,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> web.Response:
    """A finished answer; ``None`` is an answer without a body."""
    if body is None:
        return web.Response(status=status, headers=headers)
    return web.Response(
        body=encode(body), status=status, headers=headers, content_type=content_type
    )
