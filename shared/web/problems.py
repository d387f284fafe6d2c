"""Problem details: every no as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import http_exceptions, web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.blobs.port import StorageUnavailable
from shared.contracts.refusal import Refusal
from shared.db import DATABASE_AWAY
from shared.web.answer import json_response
from shared.web.trace import Trace

CONTENT_TYPE = "application/problem+json"
PROBLEM_TYPES = "/problems/"
"""What the ``type`` of a problem begins with; its code follows."""

_MOST_ERRORS = 100

log = structlog.get_logger()


class InvalidField(BaseModel):
    """One thing wrong with the input; ``pointer`` is a JSON pointer as a URI fragment."""

    pointer: str = Field(examples=["#/email"])
    detail: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """Why a request was not done (RFC 9457). ``code`` is stable and meant for programs."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    errors: list[InvalidField] | None = None


class InvalidInput(Refusal):
    """The request does not have the shape the route asks for."""

    code = "invalid_input"
    status = 400
    title = "The request is not valid"


class Unauthenticated(Refusal):
    """Nobody, or nobody we know, is asking."""

    code = "unauthenticated"
    status = 401
    title = "Sign in first"


class Forbidden(Refusal):
    """The actor's role does not allow this, whatever the id."""

    code = "forbidden"
    status = 403
    title = "Not allowed"


class UnsupportedMediaType(Refusal):
    """The body is of a kind the route does not read."""

    code = "unsupported_media_type"
    status = 415
    title = "Unsupported kind of body"


class BodyTooLarge(Refusal):
    """The body is larger than the route takes."""

    code = "body_too_large"
    status = 413
    title = "The body is too large"


class NotFound(Refusal):
    """No route has this path."""

    code = "not_found"
    status = 404
    title = "Not found"


class MethodNotAllowed(Refusal):
    """The path has routes, but none for this method."""

    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"


class InternalError(Refusal):
    """A bug of ours."""

    code = "internal_error"
    status = 500
    title = "Something went wrong"


class Unavailable(Refusal):
    """A part that is needed is down; ask again soon."""

    code = "unavailable"
    status = 503
    title = "Temporarily unavailable"


_UNREADABLE = (http_exceptions.HttpProcessingError, web.RequestPayloadError)


def invalid_fields(error: ValidationError) -> InvalidInput:
    """What pydantic found, without repeating the input: it may hold a password."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    fields = [invalid_field(each["loc"], each["msg"]) for each in found[:_MOST_ERRORS]]
    more = f"; {len(found)} in all" if len(found) > 1 else ""
    return InvalidInput(f"{fields[0]['pointer']}: {fields[0]['detail']}{more}", errors=fields)


def invalid_field(location: Iterable[int | str], detail: str) -> dict[str, str]:
    """A member of ``errors``, its place as a JSON pointer (RFC 6901, section 6)."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in location)
    return {"pointer": "#" + "".join(f"/{step}" for step in steps), "detail": detail}


def example(refusal: type[Refusal]) -> dict[str, Any]:
    """What a refusal looks like, for the API documents."""
    return {
        "type": PROBLEM_TYPES + refusal.code,
        "title": refusal.title,
        "status": refusal.status,
        "detail": (refusal.__doc__ or refusal.title).partition("\n")[0],
        "instance": "/api/...",
        "code": refusal.code,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }


def answer_to(error: Exception, request: web.Request, trace: Trace) -> web.Response:
    """The problem an exception becomes; a bug is logged with its stack and tells nothing."""
    return problem(_refusal(error, request), request.path, trace)


def _refusal(error: Exception, request: web.Request) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, web.HTTPException):
        return _of_aiohttp(error, request)
    if isinstance(error, _UNREADABLE):
        return InvalidInput("The body could not be read.")
    if isinstance(error, StorageUnavailable):
        return _away("storage", error)
    if isinstance(error, DATABASE_AWAY):
        return _away("database", error)
    log.exception("http_failed", path=request.path, exc_info=error)
    return InternalError("The fault is ours and has been logged; quote the trace_id to report it.")


def _away(part: str, error: Exception) -> Refusal:
    log.warning("http_part_away", part=part, error=repr(error))
    return Unavailable(f"The {part} does not answer.", part=part)


def problem(refusal: Refusal, path: str, trace: Trace) -> web.Response:
    """The answer to a request for ``path`` that was refused."""
    document = refusal.extra | {
        "type": PROBLEM_TYPES + refusal.code,
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": path,
        "code": refusal.code,
        "trace_id": trace.trace_id,
    }
    return json_response(
        document, status=refusal.status, headers=_headers(refusal), content_type=CONTENT_TYPE
    )


def _headers(refusal: Refusal) -> dict[str, str]:
    """The headers RFC 9110 asks for with some statuses."""
    match refusal.status:
        case HTTPStatus.UNAUTHORIZED:
            invalid = ', error="invalid_token"' if refusal.code == "invalid_token" else ""
            return {"WWW-Authenticate": f'Bearer realm="marquee"{invalid}'}
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": str(refusal.extra.get("retry_after", 1))}
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return {"Content-Range": f"bytes */{refusal.extra['size']}"}
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return {"Allow": ", ".join(refusal.extra.get("allowed", ()))}
        case _:
            return {}


def _of_aiohttp(error: web.HTTPException, request: web.Request) -> Refusal:
    """What the router says, in our words."""
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return BodyTooLarge("The body is larger than this route takes.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = sorted(error.allowed_methods)
        return MethodNotAllowed(f"{request.method} is not possible here.", allowed=allowed)
    if isinstance(error, web.HTTPNotFound):
        return NotFound("There is nothing at this address.")
    return InvalidInput(f"The request was refused: {error.reason}.")
