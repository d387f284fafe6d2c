"""The HTTP server below the application: what is no HTTP gets a problem as well.

The library would echo a piece of the request, which may hold a token, to the client and the log.
"""

from __future__ import annotations

import structlog
from aiohttp import http_exceptions, web

from shared.web.problems import InvalidInput, problem
from shared.web.trace import Trace

log = structlog.get_logger()


class Runner(web.AppRunner):
    """Runs an application behind such a server."""

    async def _make_server(self) -> web.Server:
        given = await super()._make_server()
        return _Server(
            given.request_handler,
            request_factory=given.request_factory,
            handler_cancellation=given.handler_cancellation,
            **given._kwargs,
        )


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """One client's connection; it ends with the answer to what could not be read."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be parsed; leave everything else to the library."""
        begun = request.writer.output_size > 0
        if begun or not isinstance(exc, http_exceptions.HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        log.info("http_unreadable", error=type(exc).__name__)
        refusal = InvalidInput("This is no HTTP request that can be read (RFC 9112).")
        response = problem(refusal, request.path, Trace.of({}))
        response.force_close()
        return response
