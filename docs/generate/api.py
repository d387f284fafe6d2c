"""``docs/api.md``: every route, from the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from docs.generate.markdown import anchor, block, fields, kind, meaning, prose, table
from services.gateway import own
from services.gateway.documents import merge
from services.gateway.table import SERVICES
from shared.web import Routes, openapi
from shared.web.idempotency import HEADER

Json = dict[str, Any]

_INTRODUCTION = """\
# The HTTP API

Made by `make docs` from the OpenAPI document, which a running gateway serves at `/openapi.json`,
and at `/docs` to read and to try. Events are in [events.md](events.md).

- Bodies are JSON. Times are UTC in RFC 3339 with six decimals and `Z`. Ids are UUIDs.
- Sign in with `Authorization: Bearer TOKEN`, a token of `POST /api/auth/login` or an
  [API key](how-to/sign-in-programs.md); browsers have [a cookie](how-to/write-a-front-end.md).
- Errors are `application/problem+json` (RFC 9457). `code` is for programs and never changes; `type`
  leads to its explanation. The codes that a route has of its own are listed with it.
- Everywhere there can also be `unauthenticated` (401), `forbidden` (403), `invalid_input` (400),
  `too_many_requests` (429) and, when a part is down, `unavailable` (503); the last two say in
  `Retry-After` when to come again.
- A list answers `items` and `next_cursor`; give that as `cursor` to get the next page. It is `null`
  at the end.
- What takes an `Idempotency-Key` [can be sent again](how-to/retry-safely.md) without harm.
"""

_EVERYWHERE = {
    "unauthenticated",
    "forbidden",
    "invalid_input",
    "unavailable",
    "too_many_requests",
    "unsupported_media_type",
    "body_too_large",
    "idempotency_key_in_use",
    "idempotency_key_reused",
}

_WHO = {
    "public": "anybody",
    "user": "anybody signed in",
    "admin": "administrators",
    "operator": "administrators of the tenant `default`",
}


def document() -> Json:
    """The merged document of all services, as the gateway serves it."""
    return merge(own.document(), {service: _of(service) for service in SERVICES})


def _of(service: str) -> Json:
    """What a service declares; found by name, since no service imports another."""
    declared = vars(import_module(f"services.{service}.http")).values()
    return openapi.document(service, [each for each in declared if isinstance(each, Routes)])


def page() -> str:
    """The page."""
    described = document()
    schemas = described["components"]["schemas"]
    shown = _shown(described)
    known = {name: f"#{anchor(name)}" for name in shown}
    parts = [_INTRODUCTION, _contents(described)]
    for chapter in _chapters(described):
        parts.append(f"## {chapter}\n")
        parts += [_operation(*each, described, known) for each in _routes(described, chapter)]
    parts.append("## Shapes\n")
    parts += [_shape(name, schemas[name], known) for name in sorted(shown)]
    return "\n".join(parts)


def _chapters(described: Json) -> list[str]:
    return [tag["name"] for tag in described["tags"] if any(_routes(described, tag["name"]))]


def _routes(described: Json, chapter: str) -> Iterator[tuple[str, str, Json]]:
    for path, operations in sorted(described["paths"].items()):
        for method, operation in operations.items():
            if operation["tags"] == [chapter]:
                yield method.upper(), path, operation


def _contents(described: Json) -> str:
    return "".join(
        f"\n**{chapter}**\n\n"
        + table(
            ("route", "what it does"),
            (
                (f"[`{method} {path}`](#{anchor(f'{method} {path}')})", prose(told["summary"]))
                for method, path, told in _routes(described, chapter)
            ),
        )
        for chapter in _chapters(described)
    )


def _operation(
    method: str, path: str, told: Json, described: Json, known: Mapping[str, str]
) -> str:
    parameters = [each for each in told.get("parameters", ()) if each["name"] != HEADER]
    keyed = len(parameters) < len(told.get("parameters", ()))
    who = f"For {_WHO[told.get('x-access', 'public')]}."
    parts = [
        f"### {method} {path}\n",
        prose(f"{told['summary']}\n\n{told.get('description', '')}") + "\n",
        who + (f" Takes an `{HEADER}`." if keyed else "") + "\n",
        table(
            ("parameter", "in", "type", "meaning"),
            (
                (
                    f"`{each['name']}`" + (" (required)" if each.get("required") else ""),
                    each["in"],
                    kind(each["schema"], known),
                    meaning({**each["schema"], **each}),
                )
                for each in parameters
                if each["in"] != "path"
            ),
        ),
        _body(told, described, known),
        _answers(told, known),
    ]
    return "\n".join(part for part in parts if part)


def _body(told: Json, described: Json, known: Mapping[str, str]) -> str:
    body = told.get("requestBody")
    if body is None:
        return ""
    optional = "" if body["required"] else ", which may be left out"
    parts = []
    for media, content in body["content"].items():
        if "example" in content:
            schema = _resolved(content["schema"], described)
            parts += [f"Body{optional}:\n", fields(schema, known), block(content["example"])]
        else:
            members = content["schema"].get("properties", {})
            parts.append(f"Or, as `{media}`" if parts else f"Body, as `{media}`")
            parts[-1] += ": " + ", ".join(f"`{name}`" for name in members) if members else ""
            parts[-1] += f"{optional}.\n"
    return "\n".join(parts)


def _resolved(schema: Json, described: Json) -> Json:
    """The object behind a reference, or the one of a choice that is not null."""
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolved(choice, described)
    name = schema.get("$ref", "").rpartition("/")[2]
    return described["components"]["schemas"][name] if name else schema


def _answers(told: Json, known: Mapping[str, str]) -> str:
    rows = []
    for status, answer in told["responses"].items():
        for content in answer.get("content", {"": {}}).values():
            if "examples" in content:
                rows += [
                    (status, f"`{code}`", example["summary"])
                    for code, example in content["examples"].items()
                    if code not in _EVERYWHERE
                ]
            else:
                body = kind(content["schema"], known) if "schema" in content else ""
                rows.append((status, body, answer["description"]))
    return table(("status", "body, or the code of the problem", "meaning"), rows)


def _shown(described: Json) -> set[str]:
    """The shapes that the admitted routes mention, directly or not."""
    schemas = described["components"]["schemas"]
    found: set[str] = set()
    waiting = set(_references(described["paths"]))
    while waiting:
        found |= waiting
        waiting = {ref for name in waiting for ref in _references(schemas[name])} - found
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str):
            yield ref.rpartition("/")[2]
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _shape(name: str, schema: Json, known: Mapping[str, str]) -> str:
    told = prose(schema.get("description", ""))
    return f"### {name}\n\n" + (f"{told}\n\n" if told else "") + fields(schema, known)
