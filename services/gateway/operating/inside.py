"""How the gateway asks services for operators, in the name of the administrator who asks."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
from aiohttp import hdrs, web

from services.gateway.headers import own_headers
from services.gateway.versions import read_as, require_route
from shared.contracts.context import Context
from shared.entrance.authentication import Authenticator, Caller
from shared.entrance.upstream import Upstream, answering
from shared.web.access import Access
from shared.web.actor import Claims
from shared.web.answer import encode
from shared.web.application import context_of
from shared.web.idempotency import HEADER as IDEMPOTENCY_KEY
from shared.web.idempotency import REPLAYED
from shared.web.problems import CONTENT_TYPE, Unavailable

CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)


class Doorkeeper:
    """Lets in to the gateway's own routes whom its table would let in to others'."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def admit(self, request: web.Request, access: Access) -> tuple[Context, Claims | None]:
        """Who asks, and for whom. Raises as the authenticator does."""
        assert access != "internal", "the gateway has no inside routes"
        caller = await self._authenticator.admit(request, access)
        if caller is None:
            return context_of(request, None), None
        request[CALLER] = caller
        return context_of(request, caller.claims), caller.claims


@dataclass(frozen=True, slots=True)
class Told:
    """What a service answered."""

    service: str
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def good(self) -> bool:
        """Whether it is no refusal."""
        return self.status < HTTPStatus.BAD_REQUEST

    def response(self, request: web.Request) -> web.Response:
        """The same as an answer of ours: a refusal names the path that the client asked for."""
        headers = {n: self.headers[n] for n in (REPLAYED, "Retry-After") if n in self.headers}
        if self.good:
            kind, body = "application/json", self.body
        else:
            kind, body = CONTENT_TYPE, self.body | {"instance": request.path}
        return web.Response(
            status=self.status, body=encode(body), headers=headers, content_type=kind
        )


@dataclass(frozen=True, slots=True)
class Home:
    """The gateway's own process: since when it runs, and where its data are."""

    started_at: datetime
    data_dir: Path
    blobs: Path | None


@dataclass(frozen=True, slots=True)
class Inside:
    """Asks services; each within a time, so that one that is stuck holds up nothing for long."""

    upstream: Upstream
    home: Home

    async def ask(
        self,
        request: web.Request,
        service: str,
        path: str,
        *,
        method: str = hdrs.METH_GET,
        body: Any = None,
        part: str = "",
        kind: Any = Any,
        seconds: float,
    ) -> Told:
        """One question, a good answer read as a ``kind``.

        Raises Unavailable, also for an answer that says so, or one of another version.
        A POST takes the client's Idempotency-Key along; ``part`` tells apart what is asked of the
        same route for one request.
        """
        headers = own_headers(request, request.get(CALLER))
        if method == hdrs.METH_POST and IDEMPOTENCY_KEY in request.headers:
            headers[IDEMPOTENCY_KEY] = _key(request.headers[IDEMPOTENCY_KEY], part)
        if body is not None:
            headers[hdrs.CONTENT_TYPE] = "application/json"
        with answering(service):
            async with (
                asyncio.timeout(seconds),
                self.upstream.request(
                    service, method, path, headers=headers, body=body and encode(body)
                ) as response,
            ):
                read = await response.read()
                told = Told(service, response.status, orjson.loads(read), dict(response.headers))
        if told.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"{service}: {told.body.get('detail')}", part=service)
        require_route(service, told.status, told.body)
        return replace(told, body=read_as(kind, service, told.body)) if told.good else told

    async def ask_all(
        self, request: web.Request, services: Iterable[str], path: str, **how: Any
    ) -> tuple[list[Told], list[str]]:
        """The same question to several at once: what they answered, and who did not."""
        asked = list(services)
        answers = await asyncio.gather(
            *(self.ask(request, service, path, **how) for service in asked),
            return_exceptions=True,
        )
        told, away = [], []
        for service, answer in zip(asked, answers, strict=True):
            if isinstance(answer, Unavailable):
                away.append(service)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                told.append(answer)
        return told, away


def _key(given: str, part: str) -> str:
    return hashlib.sha256(f"{part}\n{given}".encode()).hexdigest() if part else given
