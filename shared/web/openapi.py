"""OpenAPI 3.1 of the declared routes: what they take, what they answer, how they refuse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from shared.contracts.refusal import Refusal
from shared.web import idempotency, problems
from shared.web.examples import example_of
from shared.web.parse import PATH_NAMES
from shared.web.problems import Problem
from shared.web.routes import Header, Media, Route, Routes

REF = "#/components/schemas/{model}"

_Mode = Literal["validation", "serialization"]


def document(service: str, groups: Sequence[Routes]) -> dict[str, Any]:
    """The OpenAPI document of one service; ``x-access`` says who may use a route."""
    routes = [route for group in groups for route in group.declared]
    schemas = _Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = PATH_NAMES.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(service, route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Marquee {service}", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Schemas:
    """The JSON schemas of everything the routes mention, with references between them."""

    def __init__(self, routes: Iterable[Route]) -> None:
        asked: dict[tuple[str, _Mode], TypeAdapter[Any]] = {
            (repr(Problem), "serialization"): TypeAdapter(Problem)
        }
        for route in routes:
            for kind in route.asks.types():
                asked[repr(kind), "validation"] = TypeAdapter(kind)
            for kind in filter(_has_schema, route.answers.values()):
                asked[repr(kind), "serialization"] = TypeAdapter(kind)
        found, rest = TypeAdapter.json_schemas(
            [(name, mode, adapter) for (name, mode), adapter in asked.items()], ref_template=REF
        )
        self._found = found
        self.definitions: dict[str, Any] = rest.get("$defs", {})

    def of(self, kind: Any, mode: _Mode) -> dict[str, Any]:
        """The schema of a type, usually a reference."""
        return dict(self._found[repr(kind), mode])

    def content(self, kind: Any, mode: _Mode) -> dict[str, Any]:
        """A body's ``content``, with an example."""
        if isinstance(kind, Media):
            return {media: {"schema": dict(kind.schema)} for media in kind.types}
        schema = self.of(kind, mode)
        example = example_of(schema, self.definitions)
        return {"application/json": {"schema": schema, "example": example}}

    def fields(self, model: type[BaseModel]) -> dict[str, Any]:
        """The resolved schema of a model: its properties, and which are required."""
        name = self.of(model, "validation")["$ref"].rpartition("/")[2]
        return dict(self.definitions[name])


def _has_schema(kind: Any) -> bool:
    return kind is not None and not isinstance(kind, Media)


def _operation(service: str, route: Route, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{service}_{route.handler.__name__}",
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": _parameters(route, schemas),
        "responses": _answers(route, schemas) | _refusals(route),
        "security": [] if route.access == "public" else [{"bearer": []}],
        "x-access": route.access,
    }
    if route.description:
        operation["description"] = route.description
    if body := _body(route, schemas):
        operation["requestBody"] = body
    return operation


def _parameters(route: Route, schemas: _Schemas) -> list[Any]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": schemas.of(kind, "validation")}
        for name, kind in route.asks.path.items()
    ]
    keys = [dict(_KEY)] if route.idempotent else []
    return [*in_path, *_query(route, schemas), *map(_header, route.headers), *keys]


_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": (
        "A name for this request, best a random UUID. Within 24 hours the same request with the "
        "same key is not done again: it gets the first answer again."
    ),
    "schema": {"type": "string", "pattern": f"^{idempotency.VISIBLE}$"},
    "example": "f7c1b9a0-3b5e-4d7c-9a4e-0d6c1f2b8e55",
}
_REPLAYED = {
    idempotency.REPLAYED: {
        "description": "This is the answer that was given before.",
        "schema": {"const": "true"},
    }
}


def _header(header: Header) -> dict[str, Any]:
    told = {"description": header.description} if header.description else {}
    where = {"name": header.name, "in": "header", "required": header.required}
    return where | told | {"schema": dict(header.schema)}


def _query(route: Route, schemas: _Schemas) -> list[dict[str, Any]]:
    if route.asks.query is None:
        return []
    model = schemas.fields(route.asks.query)
    required = model.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        | ({"description": schema["description"]} if "description" in schema else {})
        for name, schema in model.get("properties", {}).items()
    ]


def _body(route: Route, schemas: _Schemas) -> dict[str, Any] | None:
    if route.accepts:
        content = {
            k: v for media in route.accepts for k, v in schemas.content(media, "validation").items()
        }
        needed = not all(media.optional for media in route.accepts)
        return {"required": needed, "content": content}
    if route.asks.body is None:
        return None
    return {
        "required": route.asks.absent_body is ...,
        "content": schemas.content(route.asks.body, "validation"),
    }


def _answers(route: Route, schemas: _Schemas) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, kind in route.answers.items():
        answers[str(status)] = {"description": HTTPStatus(status).phrase}
        if kind is not None:
            answers[str(status)]["content"] = schemas.content(kind, "serialization")
        if route.idempotent:
            answers[str(status)]["headers"] = dict(_REPLAYED)
    return answers


def _refusals(route: Route) -> dict[str, Any]:
    by_status: dict[int, list[type[Refusal]]] = {}
    for refusal in (*route.refusals, *_usual_refusals(route)):
        by_status.setdefault(refusal.status, []).append(refusal)
    return {str(status): refused(status, by_status[status]) for status in sorted(by_status)}


def _usual_refusals(route: Route) -> list[type[Refusal]]:
    usual: list[type[Refusal]] = [problems.Unavailable]
    if route.access != "public":
        usual.append(problems.Unauthenticated)
    if route.access in ("admin", "operator"):
        usual.append(problems.Forbidden)
    if route.asks.types() or route.idempotent:
        usual.append(problems.InvalidInput)
    if route.asks.body is not None:
        usual += [problems.UnsupportedMediaType, problems.BodyTooLarge]
    if route.idempotent:
        usual += [idempotency.KeyInUse, idempotency.AnswerUnreadable, idempotency.KeyReused]
    return usual


def refused(status: int, refusals: Iterable[type[Refusal]]) -> dict[str, Any]:
    """The response of a status that these refusals have, with an example of each."""
    examples = {
        refusal.code: {"summary": refusal.title, "value": problems.example(refusal)}
        for refusal in refusals
    }
    schema = {"$ref": REF.format(model=Problem.__name__)}
    content = {problems.CONTENT_TYPE: {"schema": schema, "examples": examples}}
    return {"description": _phrase(status, refusals), "content": content}


def _phrase(status: int, refusals: Iterable[type[Refusal]]) -> str:
    """The words of a status; a protocol's own has none but its refusals'."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return " or ".join(refusal.title for refusal in refusals)
