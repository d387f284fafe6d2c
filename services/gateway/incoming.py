"""The body a client sends: read whole if it is small, else as a stream, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from aiohttp import hdrs, http_exceptions, web

from shared.contracts.refusal import Refusal
from shared.web.problems import InvalidInput

SMALL = 64 * 1024
"""Bodies up to this many bytes are read before they are passed on: one write instead of two."""

IDLE_SECONDS = 30.0
"""How long a client may send nothing in the middle of a body."""

_BODILESS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_UNREADABLE = (web.RequestPayloadError, http_exceptions.HttpProcessingError)


class BodyStalled(Refusal):
    """The client stopped in the middle of its body, or sent what is no body."""

    code = "request_timeout"
    status = 408
    title = "The body did not come"


class Incoming:
    """A request's body on its way to a service.

    ``fault`` is set when it was the client who broke the exchange; the library that sends the
    body on tells only that it was broken.
    """

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.fault: Refusal | None = None

    async def body(self) -> bytes | AsyncIterator[bytes] | None:
        """What to send on. Raises BodyStalled or InvalidInput while it reads a small one."""
        request = self._request
        if request.method in _BODILESS or not request.body_exists:
            return None
        await self._ask_for_it()
        length = request.content_length
        packed = hdrs.CONTENT_ENCODING in request.headers
        if length is None or length > SMALL or packed:
            return self._chunks()
        with self._blaming():
            async with asyncio.timeout(IDLE_SECONDS):
                return await request.read()

    async def _ask_for_it(self) -> None:
        """Answer ``Expect: 100-continue`` (RFC 9110, section 10.1.1)."""
        request = self._request
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # the answer itself has not begun

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            with self._blaming():
                async with asyncio.timeout(IDLE_SECONDS):
                    chunk = await self._request.content.readany()
            if not chunk:
                return
            yield chunk

    @contextmanager
    def _blaming(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            self.fault = BodyStalled(f"Nothing came for {IDLE_SECONDS:g} seconds.")
            raise self.fault from None
        except _UNREADABLE:
            self.fault = InvalidInput("The body could not be read.")
            raise self.fault from None
