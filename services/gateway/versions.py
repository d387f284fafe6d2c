"""Answers of a service that may be a version older or newer than this gateway.

While one version replaces another, a service may lack a route that we ask, or tell less than we
count on. That passes, so it is Unavailable: asked again soon, it is answered.
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from shared.web.problems import MethodNotAllowed, NotFound, Unavailable

_NO_ROUTE = {
    (HTTPStatus.NOT_FOUND, NotFound.code),
    (HTTPStatus.METHOD_NOT_ALLOWED, MethodNotAllowed.code),
}

log = structlog.get_logger()


def require_route(service: str, status: int, body: Any) -> None:
    """Go on only if a service knows what it was asked. Raises Unavailable."""
    if (status, body.get("code") if isinstance(body, dict) else None) in _NO_ROUTE:
        raise Unavailable(f"{service} does not know of this yet; ask again soon.", part=service)


def read_as(kind: Any, service: str, body: Any) -> Any:
    """What a service said, as a type that pydantic knows. Raises Unavailable."""
    try:
        return _adapter(kind).validate_python(body)
    except ValidationError as error:
        log.warning("answer_not_understood", service=service, faults=error.error_count())
        raise Unavailable(
            f"{service} answers as another version does; ask again soon.", part=service
        ) from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
