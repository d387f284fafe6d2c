"""The client side of an entrance: one pool of connections to the services behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import orjson
from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    hdrs,
)
from yarl import URL

from shared.web.problems import Unavailable

IDLE_SECONDS = 30
"""How long an idle connection is kept: less than the services keep it, to meet no closed one."""

_TIMEOUT = ClientTimeout(total=None, sock_connect=5, sock_read=60)
_OURS = (hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE)
"""Headers a client library would add; the services get what the client sent, and no more."""


class Upstream:
    """Requests to services by name. Raises Unavailable, naming the one that does not answer.

    A request is sent again only by the library, once, and only if its method is idempotent and
    a kept connection was found closed (RFC 9110, section 9.2.2).
    """

    def __init__(self, peers: Mapping[str, str]) -> None:
        """``peers`` are base URLs; read at each request, since they are known only later."""
        self._peers = peers
        self._session: ClientSession | None = None

    async def open(self) -> None:
        """Make ready, inside the event loop."""
        self._session = ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=DummyCookieJar(),
            timeout=_TIMEOUT,
            auto_decompress=False,
            skip_auto_headers=_OURS,
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session:
            await self._session.close()

    @property
    def session(self) -> ClientSession:
        """The open client."""
        assert self._session is not None, "open() comes first"
        return self._session

    def url(self, service: str, path_and_query: str) -> URL:
        """The address of a path, byte by byte as given."""
        return URL(self._peers[service] + path_and_query, encoded=True)

    @asynccontextmanager
    async def request(
        self,
        service: str,
        method: str,
        path_and_query: str,
        *,
        headers: Mapping[str, str],
        body: Any = None,
    ) -> AsyncIterator[ClientResponse]:
        """Send a request; inside the block its answer can be read."""
        with answering(service):
            asked = self.session.request(
                method,
                self.url(service, path_and_query),
                headers=headers,
                data=body,
                allow_redirects=False,
            )
            response = await asked
        async with response:
            yield response

    async def json(self, service: str, path: str, *, seconds: float = 5.0) -> dict[str, Any]:
        """A JSON object that a service shows to anybody inside."""
        with answering(service):
            async with (
                asyncio.timeout(seconds),
                self.session.get(self.url(service, path)) as response,
            ):
                response.raise_for_status()
                document: dict[str, Any] = orjson.loads(await response.read())
                return document

    async def post(
        self, service: str, path: str, headers: Mapping[str, str], body: bytes, *, seconds: float
    ) -> bytes:
        """Ask a service something of our own. Any answer but 200 is Unavailable."""
        with answering(service):
            async with (
                asyncio.timeout(seconds),
                self.session.post(self.url(service, path), headers=headers, data=body) as response,
            ):
                response.raise_for_status()
                return await response.read()

    async def ready(self, service: str) -> bool:
        """Whether a service says it can be asked."""
        async with self.session.get(self.url(service, "/readyz")) as response:
            return response.ok


@contextmanager
def answering(service: str) -> Iterator[None]:
    """A block in which a service is asked: if it does not answer, that is Unavailable."""
    try:
        yield
    except (ClientError, OSError, TimeoutError) as error:
        raise Unavailable(
            f"The part {service} does not answer; try again soon.", part=service
        ) from error
