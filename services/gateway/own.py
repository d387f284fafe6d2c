"""What the gateway says itself: the meaning of a problem, and the routes every service has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, Field

from services.gateway import media, operating
from services.gateway.documents import Document, Documents
from services.gateway.sockets import HandshakeRefused
from shared.contracts.refusal import Refusal
from shared.entrance.authentication import ForgedRequest
from shared.entrance.credentials import InvalidToken
from shared.entrance.origins import ForeignOrigin
from shared.web import Call, Routes, openapi, problems
from shared.web.limits import TooManyRequests


class NoSuchProblem(Refusal):
    """No problem has this code."""

    code = "problem_not_found"
    status = 404
    title = "No such problem"


class Explanation(BaseModel):
    """What a problem's ``code`` means."""

    code: str = Field(examples=["invalid_input"])
    title: str
    status: int = Field(examples=[400])
    detail: str


routes = Routes("Problems")

_ANYWHERE = (
    InvalidToken,
    ForgedRequest,
    ForeignOrigin,
    TooManyRequests,
    HandshakeRefused,
    problems.NotFound,
    problems.MethodNotAllowed,
    problems.InternalError,
)


@routes.get("/problems/{code}", access="public", refusals=[NoSuchProblem])
async def explain(call: Call[Documents], code: str) -> Explanation:
    """What the type of a problem points to."""
    for known in (*map(problems.example, _ANYWHERE), *_told(await call.parts.merged())):
        if known["code"] == code:
            return Explanation.model_validate(known)
    raise NoSuchProblem(f"No problem has the code {code}.")


def _told(document: Document) -> Iterator[dict[str, Any]]:
    """The examples of problems in an API document."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                content = response.get("content", {}).get(problems.CONTENT_TYPE, {})
                for example in content.get("examples", {}).values():
                    yield example["value"]


def document() -> Document:
    """The API document of the gateway's own routes."""
    described = openapi.document("gateway", [media.routes, routes, *operating.GROUPS])
    described["paths"] |= {
        path: {"get": _plain(summary, statuses)} for path, (summary, *statuses) in _PLAIN.items()
    }
    return described


_PLAIN = {
    "/livez": ("Whether the gateway lives", "200"),
    "/readyz": ("Whether it can be asked, and which parts are down", "200", "503"),
    "/metrics": ("Measurements in the text format of Prometheus", "200"),
    "/openapi.json": ("This document", "200"),
    "/asyncapi.json": ("AsyncAPI 3.0 of every event, on the bus and on the WebSocket", "200"),
    "/docs": ("This document to read", "200"),
}


def _plain(summary: str, statuses: list[str]) -> dict[str, Any]:
    described = {"200": "What was asked for", "503": "Not now"}
    return {
        "tags": ["The server"],
        "summary": summary,
        "security": [],
        "responses": {status: {"description": described[status]} for status in statuses},
    }
