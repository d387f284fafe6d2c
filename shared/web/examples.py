"""Examples for the API documents, made from the schemas where a model gives none itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BY_FORMAT = {
    "uuid": "019a9d3c-5c00-7000-8000-000000000001",
    "date-time": "2026-01-31T12:00:00.000000Z",
    "date": "2026-01-31",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "binary": "",
}


def example_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """A value the schema allows: its own example, or one made up by type and format."""
    if "$ref" in schema:
        return example_of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example_of(schema[choice][0], definitions)
    if "enum" in schema:
        return schema["enum"][0]
    return _by_type(schema, definitions)


def _by_type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: example_of(each, definitions) for name, each in properties.items()}
        case "array":
            return [example_of(schema.get("items", {}), definitions)]
        case "string":
            return _BY_FORMAT.get(schema.get("format", ""), schema.get("default") or "text")
        case "integer" | "number":
            return schema.get("default") or schema.get("minimum", 1)
        case "boolean":
            return bool(schema.get("default", False))
        case _:
            return None
