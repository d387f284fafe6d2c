"""The asset page: what concerns both the converter, and ``assignment``, which knows who has it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
import structlog
from aiohttp import hdrs, web

from services.gateway.authentication import Authenticator
from services.gateway.headers import own_headers, to_client
from services.gateway.table import ASSET, ASSET_DELETION
from services.gateway.upstream import Upstream, answering
from shared.contracts.refusal import Refusal
from shared.web.answer import encode
from shared.web.conditional import unless_known
from shared.web.problems import InvalidInput, invalid_field

STATE = ("user_id", "assigned_at", "assigned_by", "active_assignment_count")
"""The fields of an asset that ``assignment`` owns; the converter's copy is a moment older."""

_STATE_SECONDS = 2.0

log = structlog.get_logger()


class AssetPage:
    """Composes the page, so that an administrator always reads what was just written."""

    def __init__(self, upstream: Upstream, authenticator: Authenticator) -> None:
        self._upstream = upstream
        self._authenticator = authenticator

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The asset; without ``assignment``, as the converter has it."""
        caller = await self._authenticator.admit(request, ASSET.access)
        asset_id = _asset_id(request)
        headers = own_headers(request, caller)
        state = asyncio.create_task(self._state(asset_id, headers))
        try:
            path = request.rel_url.raw_path_qs
            answer = await self._ask("converter", hdrs.METH_GET, path, headers)
            if answer.status != HTTPStatus.OK:
                return answer
            return unless_known(request, _composed(answer, await state))
        finally:
            state.cancel()

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Delete the asset, once ``assignment`` has promised that nobody has it or will.

        The promise is kept and told as an event: should the second step fail, the converter
        deletes the asset when it hears of it. It may hear of it before it is asked.
        """
        caller = await self._authenticator.admit(request, ASSET_DELETION.access)
        asset_id = _asset_id(request)
        headers = own_headers(request, caller)
        path = f"/internal/assets/{asset_id}/withdraw"
        promise = await self._ask("assignment", hdrs.METH_POST, path, headers)
        if promise.status not in (HTTPStatus.CREATED, HTTPStatus.NO_CONTENT):
            return _as_told_here(promise, request)
        path = request.rel_url.raw_path_qs
        answer = await self._ask("converter", hdrs.METH_DELETE, path, headers)
        if promise.status == HTTPStatus.CREATED and answer.status == HTTPStatus.NOT_FOUND:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        return answer

    async def _ask(self, service: str, method: str, path: str, headers: Any) -> web.Response:
        async with self._upstream.request(service, method, path, headers=headers) as response:
            with answering(service):
                body = await response.read()
            return web.Response(
                status=response.status, headers=to_client(response.headers), body=body or None
            )

    async def _state(self, asset_id: UUID, headers: Any) -> dict[str, Any]:
        """What ``assignment`` says; nothing if it is slow, down, or does not know the asset."""
        path = f"/internal/assets/{asset_id}/state"
        try:
            async with (
                asyncio.timeout(_STATE_SECONDS),
                self._upstream.request(
                    "assignment", hdrs.METH_GET, path, headers=headers
                ) as response,
            ):
                if response.status != HTTPStatus.OK:
                    return {}
                told = orjson.loads(await response.read())
                return {name: told[name] for name in STATE if name in told}
        except (Refusal, TimeoutError) as error:
            log.warning("asset_state_not_asked", error=repr(error))
            return {}


def _asset_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["id"])
    except ValueError:
        field = invalid_field(("id",), "Input should be a valid UUID")
        raise InvalidInput(f"{field['pointer']}: {field['detail']}", errors=[field]) from None


def _composed(answer: web.Response, state: dict[str, Any]) -> web.Response:
    asset = orjson.loads(answer.body) if isinstance(answer.body, bytes) else {}
    headers = answer.headers.copy()
    headers.popall(hdrs.CONTENT_LENGTH, None)
    return web.Response(body=encode(asset | state), headers=headers)


def _as_told_here(refusal: web.Response, request: web.Request) -> web.Response:
    """A refusal of the inside names the path that the client asked for."""
    problem = orjson.loads(refusal.body) if isinstance(refusal.body, bytes) else {}
    headers = refusal.headers.copy()
    headers.popall(hdrs.CONTENT_LENGTH, None)
    body = encode(problem | {"instance": request.path})
    return web.Response(status=refusal.status, body=body, headers=headers)
