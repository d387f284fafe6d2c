"""Which headers pass through, and which stop here."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from shared.entrance.authentication import Caller
from shared.entrance.whence import whence
from shared.web.actor import HEADER
from shared.web.application import TRACE

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110, section 7.6.1."""

_ENDS_HERE = _HOP_BY_HOP | {"host", "authorization", "cookie", "expect", "x-request-id"}
_NOT_OURS_TO_BELIEVE = ("x-actor", "x-forwarded-", "forwarded")
_ADDED_HERE = _HOP_BY_HOP | {"server", "date"}


def to_service(request: web.Request, caller: Caller | None) -> CIMultiDict[str]:
    """The headers of a request as a service gets them: who asks is what we say, not the client."""
    named = _named_by_connection(request.headers)
    headers = CIMultiDict(
        (name, value) for name, value in request.headers.items() if not _stops(name.lower(), named)
    )
    if hdrs.CONTENT_ENCODING in headers:  # the server has already unpacked the body
        headers.popall(hdrs.CONTENT_ENCODING)
        headers.popall(hdrs.CONTENT_LENGTH, None)
    return own_headers(request, caller, headers)


def own_headers(
    request: web.Request, caller: Caller | None, headers: CIMultiDict[str] | None = None
) -> CIMultiDict[str]:
    """What the gateway itself tells a service of a request."""
    headers = CIMultiDict() if headers is None else headers
    trace = request[TRACE]
    headers["traceparent"] = trace.traceparent
    headers["X-Request-ID"] = trace.request_id
    headers["X-Forwarded-For"] = whence(request).address
    if caller:
        headers[HEADER] = caller.header
    return headers


def to_client(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers of an answer as the client gets them."""
    named = _named_by_connection(headers)
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if (lower := name.lower()) not in _ADDED_HERE and lower not in named
    )


def _stops(name: str, named: frozenset[str]) -> bool:
    return name in _ENDS_HERE or name in named or name.startswith(_NOT_OURS_TO_BELIEVE)


def _named_by_connection(headers: Mapping[str, str]) -> frozenset[str]:
    named = headers.get(hdrs.CONNECTION, "")
    return frozenset(name.strip().lower() for name in named.split(","))
