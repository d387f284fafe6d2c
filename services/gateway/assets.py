"""The asset page: what concerns both the converter, and ``assignment``, which knows who has it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
import structlog
from aiohttp import hdrs, web
from multidict import CIMultiDict

from services.gateway.headers import own_headers, to_client
from services.gateway.table import ASSET, ASSET_DELETION
from services.gateway.versions import require_route
from shared.contracts.converter import WITHDRAWN, RestorationUnderWay
from shared.contracts.refusal import Refusal
from shared.contracts.young import PATIENCE_SECONDS
from shared.entrance.authentication import Authenticator
from shared.entrance.upstream import Upstream, answering
from shared.web.answer import encode
from shared.web.conditional import unless_known
from shared.web.patience import patiently
from shared.web.problems import InvalidInput, invalid_field

STATE = ("user_id", "assigned_at", "assigned_by", "active_assignment_count")
"""The fields of an asset that ``assignment`` owns; the converter's copy is a moment older."""

_STATE_SECONDS = 2.0

_PROMISED = (HTTPStatus.CREATED, HTTPStatus.OK, HTTPStatus.NO_CONTENT)
"""That an asset is withdrawn: just now; before; and before, as an older version tells it."""

_OF_NO_VERSION = 0
"""An older version's promise knows of no restoration: the same as its event says."""

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
        deletes the asset when it hears of it. It may hear of it before it is asked. A promise of
        before a restoration is worth nothing; we ask for another until word of that has come.
        """
        caller = await self._authenticator.admit(request, ASSET_DELETION.access)
        asset_id = _asset_id(request)
        headers = own_headers(request, caller)

        async def attempt() -> web.Response:
            path = f"/internal/assets/{asset_id}/withdraw"
            promise = await self._ask("assignment", hdrs.METH_POST, path, headers)
            if promise.status not in _PROMISED:
                require_route("assignment", promise.status, _json(promise))
                return _as_told_here(promise, request)
            return await self._delete(request, headers, promise)

        return await patiently(attempt)

    async def _delete(
        self, request: web.Request, headers: CIMultiDict[str], promise: web.Response
    ) -> web.Response:
        promised = CIMultiDict(headers)
        promised[WITHDRAWN] = str(_json(promise).get("asset_version", _OF_NO_VERSION))
        path = request.rel_url.raw_path_qs
        answer = await self._ask("converter", hdrs.METH_DELETE, path, promised)
        if promise.status == HTTPStatus.CREATED and answer.status == HTTPStatus.NOT_FOUND:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        if answer.status == HTTPStatus.CONFLICT:
            raise RestorationUnderWay(_json(answer)["detail"], patience=PATIENCE_SECONDS)
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


def _json(answer: web.Response) -> dict[str, Any]:
    return orjson.loads(answer.body) if isinstance(answer.body, bytes) else {}


def _composed(answer: web.Response, state: dict[str, Any]) -> web.Response:
    asset = _json(answer)
    headers = answer.headers.copy()
    headers.popall(hdrs.CONTENT_LENGTH, None)
    return web.Response(body=encode(asset | state), headers=headers)


def _as_told_here(refusal: web.Response, request: web.Request) -> web.Response:
    """A refusal of the inside names the path that the client asked for."""
    problem = _json(refusal)
    headers = refusal.headers.copy()
    headers.popall(hdrs.CONTENT_LENGTH, None)
    body = encode(problem | {"instance": request.path})
    return web.Response(status=refusal.status, body=body, headers=headers)
