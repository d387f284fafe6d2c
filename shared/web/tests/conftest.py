"""A small service to ask: the web layer through its public door."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, Field

from shared.contracts.actor import Actor
from shared.contracts.identity import Role
from shared.contracts.refusal import Refusal
from shared.web import Answer, Call, Health, Page, PageQuery, Routes
from shared.web.actor import HEADER, ActorSeal, Claims
from shared.web.application import application

SOMEONE = UUID("019a9d3c-5c00-7000-8000-000000000001")
MADE = datetime(2026, 1, 31, 12, tzinfo=UTC)

Client = TestClient[web.Request, web.Application]


class NoSuchThing(Refusal):
    code = "thing_not_found"
    status = 404
    title = "No such thing"


class NewThing(BaseModel):
    name: str = Field(min_length=1, examples=["a lamp"])
    owner: str = Field(pattern="@", examples=["ada@example.com"])
    tags: list[str] = []


class Thing(BaseModel):
    id: UUID
    name: str
    made_at: datetime


class Reason(BaseModel):
    reason: str | None = None


class ThingQuery(PageQuery):
    name: str | None = None


things = Routes("things")


@things.post("/api/things", answers={201: Thing}, refusals=[NoSuchThing])
async def make(call: Call, body: NewThing) -> Thing:
    """Make a thing."""
    return Thing(id=SOMEONE, name=body.name, made_at=MADE)


@things.get("/api/things", answers={200: Page[Thing]}, access="user")
async def list_things(call: Call, query: ThingQuery) -> Page[Thing]:
    """List things."""
    found = [Thing(id=SOMEONE, name=str(n), made_at=MADE) for n in range(query.limit + 1)]
    return Page[Thing].of(found, query.limit, lambda thing: (thing.made_at, thing.id))


@things.get("/api/things/{thing_id}", refusals=[NoSuchThing])
async def show(call: Call, thing_id: UUID) -> Thing:
    """Show a thing."""
    if thing_id != SOMEONE:
        raise NoSuchThing(f"There is no thing {thing_id}.")
    return Thing(id=thing_id, name="a lamp", made_at=MADE)


@things.delete("/api/things/{thing_id}", answers={204: None})
async def remove(call: Call, thing_id: UUID, body: Reason) -> Answer:
    """Remove a thing, with or without a reason."""
    return Answer(204, headers={"X-Reason": str(body.reason)})


@things.get("/api/me", access="user", answers={200: Reason})
async def me(call: Call) -> dict[str, Any]:
    """Tell who is asking."""
    context = call.context
    return {
        "actor": str(context.actor),
        "tenant": context.tenant,
        "role": call.actor_role,
        "correlation_id": context.correlation_id,
        "traceparent": context.traceparent,
    }


@things.get("/api/fails/{how}", access="public", answers={204: None})
async def fail(call: Call, how: str) -> None:
    """Fail."""
    raise {"bug": RuntimeError("the secret is 42"), "database": ConnectionRefusedError()}[how]


@pytest.fixture(scope="session")
def seal() -> ActorSeal:
    return ActorSeal(b"k" * 32, time.time)


@pytest.fixture(scope="session")
def health() -> Health:
    return Health()


@pytest.fixture(scope="session")
async def client(seal: ActorSeal, health: Health) -> AsyncIterator[Client]:
    app = application("things", [things], seal=seal, health=health, body_limit=10_000)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture(scope="session")
def signed_in(seal: ActorSeal) -> Any:
    """Headers of an administrator or a user."""

    def headers(role: Role = "admin") -> dict[str, str]:
        claims = Claims("acme", Actor.user(SOMEONE), role, time.time() + 60)
        return {HEADER: seal.sign(claims)}

    return headers
