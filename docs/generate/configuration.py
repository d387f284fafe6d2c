"""``docs/configuration.md``: every setting, from the classes that read them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from inspect import getdoc
from types import NoneType
from typing import Any, Literal, TypeGuard, get_args, get_origin

from limits import RateLimitItem
from pydantic.fields import FieldInfo

from docs.generate.markdown import prose, table
from shared.entrance.settings import EntranceSettings
from shared.runtime.settings import (
    PREFIX,
    SERVICE_PORTS,
    MarqueeSettings,
    RuntimeSettings,
)

_INTRODUCTION = """\
# Configuration

Made by `make docs` from the classes that read the settings. All of them are environment variables,
and on one machine all of them may be left out. Every one can also be given as the path of a file
that holds its value, in the variable of the same name with `_FILE` behind it: that is how secrets
are best handed over. An empty variable counts as not given. A wrong value stops the start with the
variable's name and what it takes.
"""

_KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "`1` or `0`",
    "Path": "path",
    "SecretStr": "secret text",
}


def page() -> str:
    """The page."""
    parts = [
        _INTRODUCTION,
        *_section("Every process", RuntimeSettings),
        *_section("gateway and notifier", EntranceSettings),
    ]
    for service in ("gateway", *SERVICE_PORTS):
        for settings in _of(service):
            parts += _section(service, settings)
    return "\n".join(parts)


def _of(service: str) -> Iterator[type[MarqueeSettings]]:
    """The classes that a service reads."""
    if find_spec(f"services.{service}") and find_spec(f"services.{service}.settings"):
        declared = vars(import_module(f"services.{service}.settings")).values()
        yield from (each for each in declared if _is_settings(each))


def _section(title: str, settings: type[MarqueeSettings]) -> list[str]:
    rows = [_row(name, field) for name, field in settings.model_fields.items()]
    return [
        f"## {title}\n",
        prose(getdoc(settings) or "") + "\n",
        table(("variable", "takes", "default", "meaning"), rows),
    ]


def _is_settings(each: object) -> TypeGuard[type[MarqueeSettings]]:
    return (
        isinstance(each, type)
        and issubclass(each, MarqueeSettings)
        and each.__module__.startswith("services.")
    )


def _row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    if not field.description:
        raise ValueError(f"{PREFIX}{name.upper()} has no docstring under its field")
    return f"`{PREFIX}{name.upper()}`", _takes(field), _default(field), prose(field.description)


def _takes(field: FieldInfo) -> str:
    return _kind(field.annotation) + _limits(field)


def _kind(annotation: Any) -> str:
    """A type in a few words; None, which every optional setting may be, is not said."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _kind(inner[0])
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in inner)
    if origin is tuple:
        return "list with commas"
    if inner:
        return _kind(next(each for each in inner if each is not NoneType))
    if annotation is RateLimitItem:
        return "rate as `60/minute`"
    return _KINDS[annotation.__name__]


def _limits(field: FieldInfo) -> str:
    least = [each for rule in field.metadata if (each := getattr(rule, "ge", None)) is not None]
    most = [each for rule in field.metadata if (each := getattr(rule, "le", None)) is not None]
    if least and most:
        return f", {least[0]} to {most[0]}"
    return f", at least {least[0]}" if least else f", at most {most[0]}" if most else ""


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.default_factory or value is None or value == ():
        return ""
    if isinstance(value, RateLimitItem):
        return f"`{value.amount}/{value.GRANULARITY.name}`"
    return f"`{int(value) if isinstance(value, bool) else value}`"
