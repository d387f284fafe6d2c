"""Every route of the API document, ready to be asked: a new one is, as soon as it is described."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from harness.client import Client

_KIND = re.compile(r"/([\w-]+)/{(\w+)}")
_METHODS = ("get", "post", "patch", "put", "delete", "options")

TUS = {
    "Tus-Resumable": "1.0.0",
    "Upload-Length": "1",
    "Upload-Offset": "0",
    "Content-Type": "application/offset+octet-stream",
    "X-HTTP-Method-Override": "PATCH",
}
"""Without these, uploads answer nobody."""


@dataclass(frozen=True)
class Operation:
    """A route, and who may ask it; ``example`` is a JSON body that it takes."""

    method: str
    path: str
    access: str
    example: Any
    parameters: tuple[str, ...]
    required: tuple[str, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What its path names by an id: ``users``, ``assets``, ..."""
        return tuple(kind for kind, _ in _KIND.findall(self.path))

    def at(self, ids: Mapping[str, str] | None = None) -> str:
        """Its address with these ids by kind; an id that nothing has for a kind that is missing."""

        def ident(match: re.Match[str]) -> str:
            return f"/{match[1]}/{(ids or {}).get(match[1]) or uuid4()}"

        query = "&".join(f"{each}=x" for each in self.required)
        return _KIND.sub(ident, self.path) + (f"?{query}" if query else "")

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.access})"


async def operations(client: Client) -> list[Operation]:
    """All of them, HEAD included."""
    document = await client.get("/openapi.json")
    found = []
    for path, described in document["paths"].items():
        for method in _METHODS:
            if method in described:
                found.append(_operation(method.upper(), path, described[method]))
                if method == "get":
                    found.append(_operation("HEAD", path, described[method]))
    return found


def _operation(method: str, path: str, told: Any) -> Operation:
    query = [each for each in told.get("parameters", ()) if each["in"] == "query"]
    content = told.get("requestBody", {}).get("content", {})
    return Operation(
        method,
        path,
        told.get("x-access", "public"),
        content.get("application/json", {}).get("example"),
        tuple(each["name"] for each in query),
        tuple(each["name"] for each in query if each.get("required")),
    )


async def asked(
    client: Client, operation: Operation, path: str, *, body: Any = None, **query: str
) -> tuple[int, str]:
    """The status, and all that the answer says, headers included."""
    headers = client.headers() | (TUS if "/uploads" in path else {})
    more: Any = {} if body is None else {"json": body}
    async with client.session.request(
        operation.method, client.url + path, headers=headers, params=query or None, **more
    ) as answer:
        return answer.status, f"{dict(answer.headers)} {await answer.text()}"
