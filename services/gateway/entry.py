"""Signing in and out: passed on like everything else, but browsers get and lose a cookie."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from aiohttp import web

from services.gateway.proxy import Proxy
from services.gateway.table import LOGIN, LOGOUT
from shared.entrance import cookies
from shared.entrance.origins import Origins


class Entry:
    """The two routes that change a browser's cookie."""

    def __init__(self, proxy: Proxy, origins: Origins) -> None:
        self._pass_login = proxy.handler(LOGIN)
        self._pass_logout = proxy.handler(LOGOUT)
        self._origins = origins

    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """Sign in; a page that is not ours gets the token, and leaves no cookie."""
        answer = await self._pass_login(request)
        good = answer.status == HTTPStatus.OK and self._origins.ours(request)
        if good and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            cookies.leave(request, answer, orjson.loads(answer.body))
        return answer

    async def log_out(self, request: web.Request) -> web.StreamResponse:
        """Sign out."""
        answer = await self._pass_logout(request)
        if isinstance(answer, web.Response) and answer.status == HTTPStatus.NO_CONTENT:
            cookies.take_back(request, answer)
        return answer
