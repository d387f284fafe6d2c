"""A service in this very process, asked without a connection between: it costs half a request.

The service's own application answers, with its middlewares, the actor that we sign and the headers
that would have been sent; only the bytes in between are never made.
"""

from __future__ import annotations

import asyncio

from aiohttp import EMPTY_PAYLOAD, HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy

from services.gateway.headers import to_client
from services.gateway.incoming import SMALL


async def ask(
    server: web.Server, request: web.Request, headers: CIMultiDict[str], body: bytes | None
) -> web.StreamResponse:
    """What a service answers to a request, told ``headers`` and a small body in place of its own.

    A stream has been passed on to the client already.
    """
    outlet = _Outlet(request)
    inner = server.request_factory(
        _message(request, headers),
        EMPTY_PAYLOAD if body is None else _reader(body),
        request.protocol,
        outlet,
        request.task,
    )
    try:
        answer = await server.request_handler(inner)
    except web.HTTPException as redirect:
        answer = redirect
    await answer.prepare(inner)
    await answer.write_eof()
    assert outlet.answer is not None, "an answer has an end"
    return outlet.answer


def _message(request: web.Request, headers: CIMultiDict[str]) -> RawRequestMessage:
    return RawRequestMessage(
        method=request.method,
        path=request.rel_url.raw_path_qs,
        version=HttpVersion11,
        headers=CIMultiDictProxy(headers),
        raw_headers=(),
        should_close=False,
        compression=None,
        upgrade=False,
        chunked=False,
        url=request.rel_url,
    )


def _reader(body: bytes) -> StreamReader:
    loop = asyncio.get_running_loop()
    reader = StreamReader(BaseProtocol(loop), SMALL, loop=loop)
    reader.feed_data(body)
    reader.feed_eof()
    return reader


class _Outlet(AbstractStreamWriter):
    """Where the service writes: to the client, once there is more than one piece of its answer."""

    answer: web.StreamResponse | None = None

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._status = 0
        self._headers: CIMultiDict[str] = CIMultiDict()

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        """Take status and headers."""
        self._status = int(status_line.split(" ", 2)[1])
        self._headers = to_client(CIMultiDictProxy(headers))

    def send_headers(self) -> None:
        """They go with the first piece."""

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Pass a piece on, as fast as the client takes it."""
        if self.answer is None:
            self.answer = web.StreamResponse(status=self._status, headers=self._headers)
            await self.answer.prepare(self._request)
        self.output_size += len(chunk)
        await self.answer.write(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        """End; an answer in one piece is left to whoever asked."""
        if self.answer is None:
            body = chunk or None
            self.answer = web.Response(status=self._status, headers=self._headers, body=body)
        else:
            await self.answer.write_eof(chunk)

    async def drain(self) -> None:
        """Every piece was passed on when it was written."""

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """Services do not compress."""
        raise NotImplementedError

    def enable_chunking(self) -> None:
        """How the answer is framed is settled with the client."""
