"""Passes a request on and its answer back; small bodies whole, large ones as a stream."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import ClientResponse, hdrs, web
from aiohttp.typedefs import Handler

from services.gateway.headers import to_client, to_service
from services.gateway.incoming import SMALL, Incoming
from services.gateway.nearby import ask
from services.gateway.table import Admitted
from services.gateway.turnstile import Turnstile
from shared.entrance.authentication import Authenticator, Caller
from shared.entrance.upstream import Upstream, answering
from shared.web.problems import Unavailable


class Proxy:
    """Forwards what the table admits, once the caller may ask for it."""

    def __init__(
        self,
        upstream: Upstream,
        nearby: Mapping[str, web.Server],
        authenticator: Authenticator,
        turnstile: Turnstile,
    ) -> None:
        """``nearby`` are the services of this process; read at each request, as they come."""
        self._upstream = upstream
        self._nearby = nearby
        self._authenticator = authenticator
        self._turnstile = turnstile

    def handler(self, admitted: Admitted) -> Handler:
        """The handler of one row of the table."""

        async def forward(request: web.Request) -> web.StreamResponse:
            caller = await self._authenticator.admit(request, admitted.access)
            await self._turnstile.count(admitted, caller)
            return await self._forward(request, admitted.service, caller)

        return forward

    async def _forward(
        self, request: web.Request, service: str, caller: Caller | None
    ) -> web.StreamResponse:
        headers = to_service(request, caller)
        incoming = Incoming(request)
        body = await incoming.body()
        if body is None:  # a length without its bytes would swallow the next request
            headers.popall(hdrs.CONTENT_LENGTH, None)
        server = self._nearby.get(service)
        if server and (body is None or isinstance(body, bytes)):
            return await ask(server, request, headers, body)
        try:
            async with self._upstream.request(
                service, request.method, request.rel_url.raw_path_qs, headers=headers, body=body
            ) as response:
                return await _pass_back(request, response, service)
        except Unavailable:
            if incoming.fault:
                raise incoming.fault from None
            raise


async def keep_waiting(_: web.Request) -> None:
    """Do not ask for the body before it is clear that somebody will read it."""


async def _pass_back(
    request: web.Request, response: ClientResponse, service: str
) -> web.StreamResponse:
    headers = to_client(response.headers)
    if response.status == HTTPStatus.NO_CONTENT:
        return web.Response(status=response.status, headers=headers)
    length = response.content_length
    empty = request.method == hdrs.METH_HEAD or response.status == HTTPStatus.NOT_MODIFIED
    if length is not None and length <= SMALL and not empty:
        with answering(service):
            body = await response.read()
        return web.Response(status=response.status, headers=headers, body=body)
    answer = web.StreamResponse(status=response.status, headers=headers)
    await answer.prepare(request)
    async for chunk in response.content.iter_any():
        await answer.write(chunk)
    await answer.write_eof()
    return answer
