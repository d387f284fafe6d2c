"""Markdown as every forge shows it: tables, anchors, and JSON schemas in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing at all where there are no rows."""
    lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def prose(text: str) -> str:
    """Docstrings as they are written here: names in double backquotes."""
    return text.replace("``", "`").strip()


def anchor(heading: str) -> str:
    """Where a heading can be linked to, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def block(value: Any) -> str:
    """JSON to look at."""
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```\n"


def fields(schema: Schema, known: Mapping[str, str]) -> str:
    """The members of an object; ``known`` says where shapes of a name are described."""
    required = schema.get("required", ())
    return table(
        ("field", "type", "meaning"),
        (
            (
                f"`{name}`" + ("" if name in required else " (optional)"),
                kind(member, known),
                meaning(member),
            )
            for name, member in schema.get("properties", {}).items()
        ),
    )


def meaning(schema: Schema) -> str:
    """What is said of a value, and what it is when left out."""
    told = prose(schema.get("description", ""))
    default = schema.get("default")
    if default in (None, "", []) or "const" in schema:
        return told
    return f"{told} Default: `{json.dumps(default)}`.".strip()


def kind(schema: Schema, known: Mapping[str, str]) -> str:
    """The type of a value in a few words, with its limits."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}]({known[name]})" if name in known else name
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(each)}`" for each in schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(kind(each, known) for each in schema[choice])
    if "allOf" in schema:
        return kind(schema["allOf"][0], known)
    return _plain(schema, known)


def _plain(schema: Schema, known: Mapping[str, str]) -> str:
    match schema.get("type"):
        case "array":
            return f"list of {kind(schema.get('items', {}), known)}" + _limits(schema, "Items")
        case "string":
            return _FORMATS.get(schema.get("format", ""), "text") + _limits(schema, "Length")
        case "integer":
            return "whole number" + _range(schema)
        case "object" if "additionalProperties" in schema:
            return "object"
        case None:
            return "anything"
        case other:
            return str(other) + _range(schema)


_FORMATS = {
    "uuid": "UUID",
    "date-time": "time",
    "email": "email address",
    "uri-reference": "URL",
    "binary": "bytes",
}


def _limits(schema: Schema, what: str) -> str:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    return _between(least, most)


def _range(schema: Schema) -> str:
    return _between(schema.get("minimum"), schema.get("maximum"))


def _between(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f", {least} to {most}"
    if most is not None:
        return f", at most {most}"
    return "" if least is None else f", at least {least}"
