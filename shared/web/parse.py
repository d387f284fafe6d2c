"""From a request to the arguments a handler declares, or a refusal that says what is wrong."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_origin, get_type_hints

import orjson
from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.web.problems import InvalidInput, UnsupportedMediaType, invalid_field, invalid_fields

PATH_NAMES = re.compile(r"{(\w+)(?::[^{}]+)?}")

_LABELS_CLIENTS_ADD = frozenset(
    {"application/octet-stream", "application/x-www-form-urlencoded", "text/plain"}
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a handler asks for besides the call: path parts, a query, a JSON body."""

    path: Mapping[str, Any]
    query: type[BaseModel] | None
    body: Any
    absent_body: Any
    """What stands for a body that is not there; ``...`` if there must be one."""
    adapters: Mapping[str, TypeAdapter[Any]]

    @classmethod
    def of(cls, handler: Callable[..., Any], path: str) -> Parameters:
        """Read a handler's signature. Raises TypeError if it asks for what a request has not."""
        hints = get_type_hints(handler, include_extras=True)
        asked = list(inspect.signature(handler).parameters)[1:]
        in_path = PATH_NAMES.findall(path)
        unknown = set(asked) - set(in_path) - {"query", "body"}
        if unknown or set(in_path) - set(asked):
            raise TypeError(f"{handler.__qualname__}: its parameters do not fit {path}")
        adapters = {name: TypeAdapter(hints[name]) for name in asked}
        return cls(
            path={name: hints[name] for name in in_path},
            query=hints.get("query"),
            body=hints.get("body"),
            absent_body=_absent(adapters["body"]) if "body" in asked else ...,
            adapters=adapters,
        )

    def types(self) -> list[Any]:
        """Everything that is parsed."""
        return [kind for kind in (*self.path.values(), self.query, self.body) if kind is not None]

    async def read(self, request: web.Request) -> dict[str, Any]:
        """The arguments. Raises InvalidInput or UnsupportedMediaType."""
        arguments = {
            name: _validate(self.adapters[name], _clean(request.match_info[name], (name,)), (name,))
            for name in self.path
        }
        if self.query:
            arguments["query"] = _query(self.query, request)
        if self.body:
            arguments["body"] = await self._body(request)
        return arguments

    async def _body(self, request: web.Request) -> Any:
        raw = await request.read() if request.body_exists else b""
        if raw:
            return _validate(self.adapters["body"], _json(raw, request))
        if self.absent_body is ...:
            raise InvalidInput("A JSON body is required.", errors=[invalid_field((), "required")])
        return self.absent_body


def _absent(body: TypeAdapter[Any]) -> Any:
    nothing: tuple[Any, ...] = (None, {})
    for stand_in in nothing:
        try:
            return body.validate_python(stand_in)
        except ValidationError:
            continue
    return ...


def _validate(kind: TypeAdapter[Any], value: Any, location: tuple[str, ...] = ()) -> Any:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        refusal = invalid_fields(error)
        if location:
            only = invalid_field(location, refusal.extra["errors"][0]["detail"])
            raise InvalidInput(f"{only['pointer']}: {only['detail']}", errors=[only]) from None
        raise refusal from None


def _query(model: type[BaseModel], request: web.Request) -> BaseModel:
    given: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in request.query:
            values = [_clean(value, (key,)) for value in request.query.getall(key)]
            many = get_origin(field.annotation) in (list, set, tuple)
            given[key] = values if many else _only(values, key)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid_fields(error) from None


def _only(values: list[str], key: str) -> str:
    """What was meant, which is not to be guessed of two."""
    if len(values) > 1:
        field = invalid_field((key,), "is given more than once")
        raise InvalidInput(f"{field['pointer']}: {field['detail']}", errors=[field])
    return values[0]


def _json(raw: bytes, request: web.Request) -> Any:
    label = request.content_type if "Content-Type" in request.headers else "application/json"
    labelled = label == "application/json" or label.endswith("+json")
    if not labelled and label not in _LABELS_CLIENTS_ADD:
        raise UnsupportedMediaType(f"The body must be application/json, not {label}.")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise InvalidInput(
            "The body is not JSON.", errors=[invalid_field((), "not JSON")]
        ) from None
    if not labelled:
        raise UnsupportedMediaType(f"The body must be labelled application/json, not {label}.")
    return _without_nul(value, ()) if b"\\u0000" in raw else value


def _without_nul(value: Any, location: tuple[int | str, ...]) -> Any:
    """The database cannot hold the character U+0000 in any text."""
    if isinstance(value, str):
        _clean(value, location)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _without_nul(item, (*location, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            _without_nul(item, (*location, key))
    return value


def _clean(text: str, location: tuple[int | str, ...]) -> str:
    if "\0" in text:
        field = invalid_field(location, "the character U+0000 is not allowed")
        raise InvalidInput(f"{field['pointer']}: {field['detail']}", errors=[field])
    return text
