"""The WebSocket, passed through to the notifier and back, close codes included.

For where nothing before us routes ``/ws`` straight to the notifier, which lets people in as we do.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import (
    ClientWebSocketResponse,
    WSCloseCode,
    WSMsgType,
    WSServerHandshakeError,
    hdrs,
    web,
)

from services.gateway.headers import own_headers
from services.gateway.table import WEBSOCKET
from shared.contracts.notifier import CROWDED_SECONDS, TooManySockets
from shared.contracts.refusal import Refusal
from shared.contracts.socket import EXPIRED, SLOW
from shared.entrance.authentication import Caller
from shared.entrance.credentials import Credentials
from shared.entrance.sockets import SocketDoor
from shared.entrance.upstream import Upstream, answering
from shared.web.problems import InvalidInput

MAX_MESSAGE = 16 * 1024
"""The longest message a client may send, in bytes."""

_HEARTBEAT_SECONDS = 20.0
PATIENCE_SECONDS = 5.0
"""How long a client may take nothing of what waits for it."""

CLOSE_SECONDS = 5.0
"""How long it may then take to say goodbye; after both it is cut off."""

_CROWDED = "You, or your tenant, have as many WebSockets open as may be; close some."

_ServerSocket = web.WebSocketResponse
_Socket = _ServerSocket | ClientWebSocketResponse[bool]

log = structlog.get_logger()


class HandshakeRefused(Refusal):
    """The notifier did not take the connection."""

    code = "handshake_refused"
    status = 403
    title = "The WebSocket was refused"


class Sockets:
    """The open WebSockets of this gateway."""

    def __init__(
        self,
        upstream: Upstream,
        door: SocketDoor,
        credentials: Credentials,
    ) -> None:
        self._upstream = upstream
        self._door = door
        self._credentials = credentials
        self._open: set[_ServerSocket] = set()

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Authenticate, connect to the notifier, and only then upgrade."""
        caller = await self._door.admit(request)
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS,
            heartbeat=_HEARTBEAT_SECONDS,
            max_msg_size=MAX_MESSAGE,
            compress=False,
            autoclose=False,
            decode_text=False,
        )
        if not socket.can_prepare(request):
            raise InvalidInput("This address speaks only WebSocket (RFC 6455).")
        notifier = await self._notifier(request, caller)
        async with notifier:
            await socket.prepare(request)
            self._open.add(socket)
            try:
                ended = asyncio.Event()
                with self._credentials.watching(caller.credential, ended.set):
                    await _join(socket, notifier, ended)
            finally:
                self._open.discard(socket)
                _cut_off_if_stuck(request.transport)
        return socket

    async def close_all(self) -> None:
        """Tell every client that this server restarts."""
        closing = [_close(each, WSCloseCode.GOING_AWAY, b"restart") for each in self._open]
        await asyncio.gather(*closing, return_exceptions=True)

    async def _notifier(
        self, request: web.Request, caller: Caller
    ) -> ClientWebSocketResponse[bool]:
        asked = request.rel_url.without_query_params("ticket").raw_path_qs
        url = self._upstream.url(WEBSOCKET.service, asked)
        headers = own_headers(request, caller)
        if hdrs.ORIGIN in request.headers:
            headers[hdrs.ORIGIN] = request.headers[hdrs.ORIGIN]
        with answering(WEBSOCKET.service):
            try:
                return await self._upstream.session.ws_connect(
                    url,
                    headers=headers,
                    autoclose=False,
                    max_msg_size=0,
                    decode_text=False,
                )
            except WSServerHandshakeError as error:
                if error.status >= 500:
                    raise
                if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                    raise TooManySockets(_CROWDED, retry_after=CROWDED_SECONDS) from error
                if error.status == HTTPStatus.BAD_REQUEST:
                    raise InvalidInput("The notifier does not understand the query.") from error
                raise HandshakeRefused(f"The notifier answered {error.status}.") from error


async def _join(
    client: _ServerSocket, notifier: ClientWebSocketResponse[bool], ended: asyncio.Event
) -> None:
    """Pump both ways until one side closes or the session ends; close both and say why."""
    pumps = [
        asyncio.create_task(_pump(notifier, client)),
        asyncio.create_task(_pump(client, notifier)),
        asyncio.create_task(_session_end(ended)),
    ]
    try:
        done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
    code, reason = _told(done.pop())
    await asyncio.gather(_close(client, code, reason), _close(notifier, code, reason))


async def _session_end(ended: asyncio.Event) -> tuple[int, bytes]:
    await ended.wait()
    return EXPIRED, b"the session has ended"


async def _pump(source: _Socket, target: _Socket) -> tuple[int, bytes]:
    """Pass messages on until the source closes; return its close code and reason."""
    while True:
        message: Any = await source.receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await target.send_frame(message.data, message.type)
        elif message.type is WSMsgType.CLOSE:
            return _sendable(message.data), (message.extra or "").encode()
        else:
            return _sendable(source.close_code), b""


def _told(done: asyncio.Task[tuple[int, bytes]]) -> tuple[int, bytes]:
    error = done.exception()
    if error is None:
        return done.result()
    if isinstance(error, TimeoutError):
        return SLOW, b"too slow"
    return WSCloseCode.GOING_AWAY, b""


def _sendable(code: int | None) -> int:
    """1005 and 1006 mean that no code came, and must not be sent (RFC 6455, section 7.4.1)."""
    if code in (None, WSCloseCode.ABNORMAL_CLOSURE):
        return WSCloseCode.GOING_AWAY
    return WSCloseCode.OK if code in (0, 1005) else int(code)


async def _close(socket: _Socket, code: int, reason: bytes) -> None:
    """Close, or give up on somebody who does not even read that."""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(code=code, message=reason)


def _cut_off_if_stuck(transport: asyncio.Transport | None) -> None:
    """Drop what a client never read: closing in order would wait for it without end."""
    if transport and transport.get_write_buffer_size():
        transport.abort()
