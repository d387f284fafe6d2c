"""The application factory: one middleware around everything, one gate before every route."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from structlog.contextvars import bind_contextvars

from shared import tracing
from shared.contracts.actor import SYSTEM
from shared.contracts.context import DEFAULT_TENANT, Context
from shared.web import openapi
from shared.web.access import Access, require
from shared.web.actor import HEADER as ACTOR
from shared.web.actor import ActorSeal, Claims, ForgedActor
from shared.web.answer import Answer, json_response
from shared.web.conditional import unless_known
from shared.web.health import Health
from shared.web.idempotency import HEADER, Key
from shared.web.metrics import metrics, observe, route_of
from shared.web.paging import Page
from shared.web.problems import Unauthenticated, answer_to
from shared.web.routes import HEADERS, Call, Route, Routes
from shared.web.trace import Trace

TRACE: web.RequestKey[Trace] = web.RequestKey("trace", Trace)

FROM_OUTSIDE: web.RequestKey[bool] = web.RequestKey("from_outside", bool)
"""Set on a request that nobody passed on, so that nobody else tells of it."""

BODY_LIMIT = 1024 * 1024
"""The largest JSON body, in bytes; routes that stream their body count for themselves."""

_CLIENT_GONE = 499
_SERVER_ERROR = 500

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_PROBES = frozenset({"/livez", "/readyz", "/metrics"})

log = structlog.get_logger()


def application(
    service: str,
    routes: Sequence[Routes],
    *,
    seal: ActorSeal | None,
    health: Health | None = None,
    body_limit: int = BODY_LIMIT,
    hushed: bool = False,
) -> web.Application:
    """A service's HTTP side.

    ``seal`` verifies the actor header; without one, every actor is unknown. A ``hushed`` service
    leaves it to whoever passed a request on to tell of it, unless it ends badly or is FROM_OUTSIDE.
    """
    inner = [middleware for group in routes for middleware in group.middlewares]
    edge = _edge(service, hushed=hushed)
    app = web.Application(middlewares=[edge, *inner], client_max_size=body_limit)
    app.on_response_prepare.append(_add_headers)
    for group in routes:
        app.on_response_prepare.extend(group.finishers)
        for route in group.declared:
            _register(app, route, _endpoint(route, seal, group))
        app.router.add_routes(group.plain)
        for hook in group.shutdown_hooks:
            app.on_shutdown.append(_ignoring_app(hook))
    _add_own_routes(app, service, routes, health or Health())
    return app


def _ignoring_app(hook: Callable[[], Awaitable[None]]) -> Callable[[object], Awaitable[None]]:
    return lambda _: hook()


def _register(app: web.Application, route: Route, endpoint: Handler) -> None:
    if route.method == "GET":
        app.router.add_get(route.path, endpoint, allow_head=True)
    else:
        app.router.add_route(route.method, route.path, endpoint)


def _add_own_routes(
    app: web.Application, service: str, routes: Sequence[Routes], health: Health
) -> None:
    document = openapi.document(service, routes)

    async def describe(_: web.Request) -> web.Response:
        return json_response(document)

    own = {"/livez": health.livez, "/readyz": health.readyz, "/metrics": metrics}
    taken = {route.path for group in routes for route in group.plain}
    for path, handler in {**own, "/openapi.json": describe}.items():
        if path not in taken:
            app.router.add_get(path, handler)


def _edge(service: str, *, hushed: bool) -> Middleware:
    @web.middleware
    async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Give the request its trace, answer exceptions with problems, log and measure once."""
        if request.path in _PROBES:
            return await follow(request, handler, tracing.Step())
        with tracing.step("SERVER", request.headers.get("traceparent")) as step:
            return await follow(request, handler, step)

    async def follow(
        request: web.Request, handler: Handler, step: tracing.Step
    ) -> web.StreamResponse:
        trace = request[TRACE] = Trace.of(request.headers, step.traceparent)
        began = time.perf_counter()
        status = _CLIENT_GONE
        bind_contextvars(trace_id=trace.trace_id, request_id=trace.request_id)
        try:
            response = await _answer(request, handler, trace)
            status = response.status
            return response
        except web.HTTPException as redirect:
            status = redirect.status
            raise
        finally:
            _record(service, request, status, time.perf_counter() - began, hushed=hushed)
            if step.traceparent:
                route = route_of(request)
                step.called(
                    f"{request.method} {route}",
                    http__request__method=request.method,
                    http__route=route,
                    http__response__status_code=status,
                    marquee__service=service,
                )

    return edge


async def _answer(request: web.Request, handler: Handler, trace: Trace) -> web.StreamResponse:
    try:
        return await handler(request)
    except Exception as error:
        if _client_is_gone(request):
            return web.Response(status=_CLIENT_GONE)
        begun = request.writer.output_size > 0
        if begun or isinstance(error, web.HTTPRedirection):
            raise
        return answer_to(error, request, trace)


def _client_is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _record(
    service: str, request: web.Request, status: int, seconds: float, *, hushed: bool
) -> None:
    observe(service, request, status, seconds)
    unheard = request.path in _PROBES or (hushed and FROM_OUTSIDE not in request)
    quiet = status < _SERVER_ERROR and unheard
    write = log.debug if quiet else log.info
    write(
        "http_request",
        service=service,
        method=request.method,
        route=route_of(request),
        status=status,
        duration_ms=round(seconds * 1000, 2),
    )


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(request.get(HEADERS, {}))
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "marquee"
    if trace := request.get(TRACE):
        response.headers["X-Request-ID"] = trace.request_id


def _endpoint(route: Route, seal: ActorSeal | None, group: Routes) -> Handler:
    admit = group.gate or Gate(seal).admit

    async def endpoint(request: web.Request) -> web.StreamResponse:
        request[HEADERS] = dict(group.headers)
        context, claims = await admit(request, route.access)
        arguments = await route.asks.read(request)
        role, credential = (claims.role, claims.credential) if claims else (None, None)
        key = await _key(route, request)
        call = Call(request, context, role, group.parts, key, credential)
        given = await route.handler(call, **arguments)
        return _response(given, route, request)

    return endpoint


async def _key(route: Route, request: web.Request) -> Key | None:
    """The Idempotency-Key, with what it was sent for. Refuses one that is malformed."""
    if not route.idempotent or HEADER not in request.headers:
        return None
    body = await request.read() if route.asks.body else b""
    return Key.of(request, body)


def context_of(request: web.Request, claims: Claims | None) -> Context:
    """What travels with everything that a request changes; without claims, the system acts."""
    trace = request[TRACE]
    return Context(
        tenant=claims.tenant if claims else DEFAULT_TENANT,
        actor=claims.actor if claims else SYSTEM,
        correlation_id=trace.request_id,
        traceparent=trace.traceparent,
    )


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides who may ask, before anything is looked up: a refusal must not tell what exists."""

    seal: ActorSeal | None

    async def admit(self, request: web.Request, access: Access) -> tuple[Context, Claims | None]:
        """The context and claims of the caller. Raises Unauthenticated or Forbidden."""
        claims = self.claims(request)
        if claims is None and access != "public":
            raise Unauthenticated("This route needs a signed-in caller.")
        if claims:
            require(claims, access)
        return context_of(request, claims), claims

    def claims(self, request: web.Request) -> Claims | None:
        """Who the gateway vouches for, if it is the gateway that does."""
        header = request.headers.get(ACTOR)
        if header is None or self.seal is None:
            return None
        try:
            return self.seal.verify(header)
        except ForgedActor as error:
            log.warning("http_actor_refused", reason=str(error))
            return None


def _response(given: Any, route: Route, request: web.Request) -> web.StreamResponse:
    if isinstance(given, web.StreamResponse):
        return given
    answer = given if isinstance(given, Answer) else Answer(route.usual_status, given)
    headers: Mapping[str, str] = answer.headers
    if isinstance(answer.body, Page) and answer.body.next_cursor:
        following = request.rel_url.update_query(cursor=answer.body.next_cursor)
        headers = {**headers, "Link": f'<{following}>; rel="next"'}
    response = json_response(answer.body, status=answer.status, headers=headers)
    return unless_known(request, response) if route.tagged else response
