"""Which pages may ask in a person's name: our own, and those the operator named.

Source: the Fetch standard (CORS protocol), RFC 6454 (origins), RFC 6797 (HSTS), and Fetch
Metadata Request Headers.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from shared.contracts.refusal import Refusal
from shared.entrance.whence import whence

SAFE_METHODS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
"""RFC 9110, section 9.2.1."""

_FETCH_SITE = "Sec-Fetch-Site"
_OF_OURS = frozenset({"same-origin", "none"})

_PREFLIGHT_SECONDS = "600"
_METHODS = "GET, HEAD, POST, PATCH, DELETE"
_EXPOSED = ", ".join(
    (
        "Content-Disposition",
        "Content-Location",
        "ETag",
        "Idempotent-Replayed",
        "Link",
        "Location",
        "Retry-After",
        "Tus-Checksum-Algorithm",
        "Tus-Extension",
        "Tus-Max-Size",
        "Tus-Resumable",
        "Tus-Version",
        "Upload-Expires",
        "Upload-Length",
        "Upload-Metadata",
        "Upload-Offset",
        "X-Request-ID",
    )
)

_HSTS = "max-age=31536000"


class ForeignOrigin(Refusal):
    """A page that is not ours asks in the name of somebody who is signed in."""

    code = "foreign_origin"
    status = 403
    title = "This page may not do that"


class Origins:
    """Knows our own origin and those allowed beside it."""

    def __init__(self, public: str | None, allowed: Sequence[str]) -> None:
        """``public`` is where we are known to be; without it, wherever a client finds us."""
        self._public = public
        self._allowed = frozenset(allowed)

    def ours(self, request: web.Request) -> bool:
        """Whether a page that may act for people sent this, or no page at all."""
        if origin := request.headers.get(hdrs.ORIGIN):
            return self.knows(request, origin)
        return request.headers.get(_FETCH_SITE, "none") in _OF_OURS

    def knows(self, request: web.Request, origin: str) -> bool:
        """Whether an origin is our own or allowed."""
        own = self._public or whence(request).origin
        return origin.lower() == own or origin.lower() in self._allowed

    @web.middleware
    async def preflight(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a browser that asks for a page elsewhere what it may do."""
        asked = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        if request.method != hdrs.METH_OPTIONS or not asked or not self._allows(request):
            return await handler(request)
        headers = {
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: _METHODS,
            hdrs.ACCESS_CONTROL_MAX_AGE: _PREFLIGHT_SECONDS,
        }
        if wanted := request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS):
            headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = wanted
        return web.Response(status=204, headers=headers)

    async def finish(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let allowed pages read the answer, and browsers remember that we speak TLS."""
        if whence(request).secure:
            response.headers["Strict-Transport-Security"] = _HSTS
        if not self._allowed:
            return
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        if self._allows(request):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = request.headers[hdrs.ORIGIN]
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED

    def _allows(self, request: web.Request) -> bool:
        return request.headers.get(hdrs.ORIGIN, "").lower() in self._allowed
