"""The API documents: what the services say of their routes, merged."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import structlog
from aiohttp import web

from services.gateway.table import ADMITTED, SERVICES, Admitted
from shared.contracts.refusal import Refusal
from shared.entrance.upstream import Upstream
from shared.web import openapi
from shared.web.answer import json_response
from shared.web.limits import TooManyRequests

_FRESH_SECONDS = 60.0
_RETRY_SECONDS = 2.0
_REF = "#/components/schemas/"
_NAMES = re.compile(r"{\w+(?::[^{}]+)?}")

_CHAPTERS = (
    "Identity",
    "Assets",
    "Uploads",
    "Assignments",
    "Operations",
    "Audit",
    "Events",
    "Media",
    "Problems",
    "The server",
)
"""The order in which they are read."""

Document = dict[str, Any]

log = structlog.get_logger()


def shape(path: str) -> str:
    """A path template without the names of its parameters, so that templates can be compared."""
    return _NAMES.sub("{}", path)


def _keys(admitted: Iterable[Admitted]) -> frozenset[tuple[str, str, str]]:
    return frozenset((each.service, each.method, shape(each.path)) for each in admitted)


_ADMITTED = _keys(ADMITTED)
_LIMITED = _keys(each for each in ADMITTED if each.limited)


class Documents:
    """The documents of the services, kept a minute; one never seen is left out until it is up."""

    def __init__(self, upstream: Upstream, own: Document, now: Callable[[], float]) -> None:
        """``own`` describes the gateway's own routes; ``now`` is monotonic, in seconds."""
        self._upstream = upstream
        self._own = own
        self._now = now
        self._fetched: dict[str, Document] = {}
        self._merged = own
        self._good_until = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    async def openapi(self, _: web.Request) -> web.Response:
        """OpenAPI 3.1 of everything the gateway admits."""
        return json_response(await self.merged())

    async def merged(self) -> Document:
        """The one document of all services."""
        async with self._one_at_a_time:
            if self._now() >= self._good_until:
                found = await asyncio.gather(*map(self._fetch, SERVICES))
                self._good_until = self._now() + (_FRESH_SECONDS if all(found) else _RETRY_SECONDS)
                self._merged = merge(self._own, self._fetched)
            return self._merged

    async def _fetch(self, service: str) -> bool:
        try:
            self._fetched[service] = await self._upstream.json(service, "/openapi.json")
            return True
        except (Refusal, ValueError) as error:
            log.warning("openapi_not_fetched", service=service, error=repr(error))
            return False


def merge(own: Document, services: Mapping[str, Document]) -> Document:
    """One document: only routes that are admitted, and schemas that agree or are told apart."""
    merged: Document = {
        **own,
        "info": {"title": "Marquee", "version": "1", "summary": "Background videos for people."},
        "servers": [{"url": "/"}],
        "tags": [{"name": chapter} for chapter in _CHAPTERS],
        "paths": dict(own["paths"]),
    }
    schemas = dict(own["components"]["schemas"])
    for service, document in services.items():
        renamed = _renamed(service, document["components"]["schemas"], schemas)
        for path, operation in _admitted(service, document):
            told = _with_limit(service, path, _pointing(operation, renamed))
            merged["paths"].setdefault(path, {}).update(told)
        for name, schema in document["components"]["schemas"].items():
            schemas[renamed.get(name, name)] = _pointing(schema, renamed)
    merged["components"] = {**own["components"], "schemas": schemas}
    return merged


def _admitted(service: str, document: Document) -> Iterator[tuple[str, Document]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if (service, method.upper(), shape(path)) in _ADMITTED:
                yield path, {method: operation}


def _with_limit(service: str, path: str, operations: Document) -> Document:
    """Operations with the refusal that the gateway adds to those that are limited."""
    for method, operation in operations.items():
        if (service, method.upper(), shape(path)) in _LIMITED:
            operation["responses"].setdefault("429", openapi.refused(429, [TooManyRequests]))
    return operations


def _renamed(service: str, theirs: Document, taken: Document) -> dict[str, str]:
    """New names for schemas that mean something else elsewhere."""
    return {
        name: f"{service.capitalize()}{name}"
        for name, schema in theirs.items()
        if name in taken and taken[name] != schema
    }


def _pointing(node: Any, renamed: Mapping[str, str]) -> Any:
    """The same with references to renamed schemas set right."""
    if isinstance(node, list):
        return [_pointing(inner, renamed) for inner in node]
    if not isinstance(node, dict):
        return node
    moved = {name: _pointing(inner, renamed) for name, inner in node.items()}
    ref = moved.get("$ref")
    if isinstance(ref, str) and (name := ref.removeprefix(_REF)) in renamed:
        moved["$ref"] = _REF + renamed[name]
    return moved
