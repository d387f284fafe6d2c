"""Routes: what a service answers, declared beside the function that answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import getdoc
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack, get_type_hints
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Middleware
from typing_extensions import TypeVar as TypeVarWithDefault

from shared.contracts.context import Context
from shared.contracts.identity import Role
from shared.contracts.refusal import Refusal
from shared.db import Database, Tx
from shared.web import idempotency
from shared.web.actor import Claims
from shared.web.answer import Answer
from shared.web.idempotency import Key
from shared.web.parse import Parameters
from shared.web.patience import patiently

Access = Literal["public", "user", "admin", "internal"]
"""Who may ask: anyone; anyone signed in; administrators; only the gateway, for itself."""

HEADERS: web.RequestKey[dict[str, str]] = web.RequestKey("headers", dict)
"""What a route wants its answer to say besides, whatever answer it will be."""

Admits = Callable[[web.Request, Access], Awaitable[tuple[Context, Claims | None]]]
"""Who asks, and for whom; or a refusal, before anything is looked up."""

Parts = TypeVarWithDefault("Parts", default=Any)
Finisher = Callable[[web.Request, web.StreamResponse], Awaitable[None]]
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True)
class Call(Generic[Parts]):
    """One request: who asks (``context``, ``actor_role``) and what the service gave its routes.

    On a public route nobody may be asking: then the role is None and the actor is the system.
    ``key`` is the Idempotency-Key, on a route that honours it, if one was sent.
    ``credential`` is the session or the API key they ask with.
    """

    request: web.Request
    context: Context
    actor_role: Role | None
    parts: Parts
    key: Key | None = None
    credential: UUID | None = None

    async def once(
        self, database: Database, command: Callable[[Tx], Awaitable[Answer]], *locks: int
    ) -> Answer:
        """Do a command in a transaction of its own, patiently; with a key, once for that key.

        The answer is kept in the same transaction, and given again to whoever sends the key
        again. A command that refuses has changed nothing, and nothing is kept: it may be asked
        again with the same key. Refuses a key that is in use, or was used for something else.
        """

        async def attempt() -> Answer:
            return await idempotency.once(database, self.context, self.key, command, locks)

        return await patiently(attempt)

    async def answered(self, database: Database) -> Answer | None:
        """The answer that the key brings again, to ask before work that would be in vain."""
        return await idempotency.answered(database, self.context, self.key)

    def about(self, *what: str) -> Call[Parts]:
        """The same call, its key compared by what the handler has read of a body by itself."""
        return replace(self, key=self.key and self.key.about(*what))

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer, also if it will be a refusal."""
        return self.request[HEADERS]


@dataclass(frozen=True, slots=True)
class Media:
    """A body that is no JSON object of ours: its media types, and whether it may be left out."""

    types: tuple[str, ...]
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    optional: bool = False

    def __init__(
        self, *types: str, schema: Mapping[str, Any] | None = None, optional: bool = False
    ) -> None:
        object.__setattr__(self, "types", types)
        object.__setattr__(self, "schema", schema or {"type": "string"})
        object.__setattr__(self, "optional", optional)


@dataclass(frozen=True, slots=True)
class Header:
    """A request header that a handler reads itself, for the API documents."""

    name: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False
    description: str | None = None


class Details(TypedDict, total=False):
    """What is told of a route; all of it may be left out.

    ``access`` is "admin" unless said otherwise. ``answers`` maps each good status to the model of
    its body, to Media, or to None; its first is the usual one; left out, it is what the handler
    returns. ``accepts`` describes request bodies, ``headers`` headers the handler reads itself.
    ``idempotent`` says that it honours an Idempotency-Key: it does its work by ``call.once``. What
    is ``tagged`` has an ETag, and is not sent again to who names it.
    """

    access: Access
    answers: Mapping[int, Any]
    refusals: Sequence[type[Refusal]]
    accepts: Sequence[Media]
    idempotent: bool
    tagged: bool
    headers: Sequence[Header]


@dataclass(frozen=True, slots=True)
class Route:
    """A declared route; its summary and description are the handler's docstring."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    tag: str
    access: Access
    summary: str
    description: str
    answers: Mapping[int, Any]
    refusals: Sequence[type[Refusal]]
    accepts: Sequence[Media]
    idempotent: bool
    headers: Sequence[Header]
    asks: Parameters
    tagged: bool

    @property
    def usual_status(self) -> int:
        """The status of an answer that names none."""
        status: int = next(iter(self.answers))
        return status


class Routes:
    """A group of routes under one tag of the API documents.

    A handler is ``async def h(call, ...)``; its parameters named in the path, ``query`` and
    ``body`` are parsed to their annotated types. It returns a model, an Answer, any
    ``web.StreamResponse``, or None. ``given(parts)`` binds what its calls will find in ``parts``.
    ``headers`` are those of every answer of the group, refusals included.
    """

    def __init__(self, tag: str, *, headers: Mapping[str, str] | None = None) -> None:
        self.tag = tag
        self.headers = dict(headers or {})
        self.parts: Any = None
        self.declared: list[Route] = []
        self.plain: list[web.RouteDef] = []
        self.shutdown_hooks: list[Callable[[], Awaitable[None]]] = []
        self.gate: Admits | None = None
        self.middlewares: list[Middleware] = []
        self.finishers: list[Finisher] = []

    def given(self, parts: object) -> Routes:
        """The same routes, bound to a service's parts."""
        bound = Routes(self.tag, headers=self.headers)
        bound.parts, bound.declared, bound.plain = parts, self.declared, self.plain
        bound.shutdown_hooks = list(self.shutdown_hooks)
        bound.middlewares, bound.finishers = self.middlewares, self.finishers
        bound.gate = self.gate
        return bound

    def behind(self, gate: Admits) -> Routes:
        """The same routes, with another gate than the one that asks who the gateway vouches for."""
        bound = self.given(self.parts)
        bound.gate = gate
        return bound

    def get(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """Declare a GET (and with it a HEAD)."""
        return self._declare("GET", path, details)

    def post(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """Declare a POST."""
        return self._declare("POST", path, details)

    def patch(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """Declare a PATCH."""
        return self._declare("PATCH", path, details)

    def delete(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """Declare a DELETE."""
        return self._declare("DELETE", path, details)

    def options(self, path: str, **details: Unpack[Details]) -> Callable[[H], H]:
        """Declare an OPTIONS."""
        return self._declare("OPTIONS", path, details)

    def raw(self, route: web.RouteDef) -> None:
        """Add a route of plain aiohttp: no parsing, no access check, not in the API documents."""
        self.plain.append(route)

    def around(self, middleware: Middleware) -> None:
        """Pass every request of the application through this, whichever route it is for."""
        self.middlewares.append(middleware)

    def finish(self, finisher: Finisher) -> None:
        """Call this before the headers of every answer are sent, a refusal's too."""
        self.finishers.append(finisher)

    def at_shutdown(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Call this when the server stops, before it waits for handlers: close WebSockets here."""
        self.shutdown_hooks.append(hook)

    def _declare(self, method: str, path: str, details: Details) -> Callable[[H], H]:
        def declare(handler: H) -> H:
            self.declared.append(_route(method, path, self.tag, handler, details))
            return handler

        return declare


def _route(
    method: str, path: str, tag: str, handler: Callable[..., Awaitable[Any]], details: Details
) -> Route:
    summary, _, description = (getdoc(handler) or "").partition("\n")
    return Route(
        method=method,
        path=path,
        handler=handler,
        tag=tag,
        access=details.get("access", "admin"),
        summary=summary,
        description=description.strip(),
        answers=_answers(handler, details),
        refusals=details.get("refusals", ()),
        accepts=details.get("accepts", ()),
        idempotent=details.get("idempotent", False),
        headers=details.get("headers", ()),
        asks=Parameters.of(handler, path),
        tagged=details.get("tagged", False),
    )


def _answers(handler: Callable[..., Any], details: Details) -> Mapping[int, Any]:
    answers = details.get("answers") or _returned(handler)
    return {**answers, 304: None} if details.get("tagged") else answers


def _returned(handler: Callable[..., Any]) -> Mapping[int, Any]:
    returned = get_type_hints(handler)["return"]
    return {204: None} if returned is type(None) else {200: returned}
