"""One trace from the first request to the last consumer; and none where nobody asks for it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import tracing
from shared.bus.consumer import OnFact, consumer
from shared.contracts.converter import TicketIssued
from shared.contracts.event import Event
from shared.db.database import Database, Tx
from shared.testing.bus.kit import RECEIVER, SENDER, eventually, ticket
from shared.testing.bus.rabbit import RabbitKit
from shared.testing.fixtures import OpenDatabases
from shared.tracing import TracingUnavailable
from shared.web import Answer, Call, Routes
from shared.web.application import TRACE, application

GIVEN = "00-11111111111111111111111111111111-2222222222222222-01"


@dataclass(frozen=True, slots=True)
class Front:
    """A part that passes requests on, as the gateway does."""

    session: ClientSession
    back: str


front_routes, back_routes = Routes("Front"), Routes("Back")


@front_routes.post("/api/things/{name}", access="public")
async def pass_on(call: Call[Front], name: str) -> Answer:
    headers = {"traceparent": call.request[TRACE].traceparent}
    async with call.parts.session.post(f"{call.parts.back}/things/{name}", headers=headers) as told:
        return Answer(told.status, {})


@back_routes.post("/things/{name}", access="public")
async def make(call: Call[Database], name: str) -> Answer:
    async with call.parts.transaction(call.context) as tx:
        tx.emit(ticket())
    return Answer(201, {"name": name})


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What is recorded during a test."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.switch_on(provider)
    yield exporter
    tracing.switch_off()


@pytest.fixture
async def kit(databases: OpenDatabases, amqp_url: str) -> AsyncIterator[RabbitKit]:
    kit = RabbitKit(await databases(SENDER, RECEIVER), amqp_url)
    yield kit
    await kit.close()


@pytest.fixture
async def front(kit: RabbitKit) -> AsyncIterator[TestClient]:
    """The door, with a service behind it."""
    back = application("back", [back_routes.given(kit.databases["sender"])], seal=None)
    async with TestServer(back) as server, ClientSession() as session:
        parts = Front(session, str(server.make_url("")).rstrip("/"))
        app = application("front", [front_routes.given(parts)], seal=None)
        async with TestClient(TestServer(app)) as client:
            yield client


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent and span.parent.span_id


async def test_a_trace_goes_from_the_door_to_the_consumer(
    kit: RabbitKit, front: TestClient, spans: InMemorySpanExporter
) -> None:
    seen: list[str | None] = []

    async def on_ticket(tx: Tx, _: TicketIssued) -> None:
        seen.append(tx.context.traceparent)

    bus = await kit.bus()
    handlers: dict[type[Event], OnFact] = {TicketIssued: on_ticket}
    bus.subscribe(consumer(kit.names.beta, kit.databases["receiver"], handlers))
    answer = await front.post("/api/things/lamp", headers={"traceparent": GIVEN})
    assert answer.status == 201
    await front.get("/livez")
    await kit.relay(bus)
    process = f"process {kit.names.beta.name}"
    await eventually(lambda: process in by_name(spans), "the consumer's span")

    told = by_name(spans)
    door = told["POST /api/things/{name}"]
    service, consumed = told["POST /things/{name}"], told[process]
    assert {format(span.context.trace_id, "032x") for span in told.values()} == {"1" * 32}
    assert parent_of(door) == int("2" * 16, 16)
    assert parent_of(service) == door.context.span_id
    assert parent_of(consumed) == service.context.span_id
    assert seen == [f"00-{'1' * 32}-{consumed.context.span_id:016x}-01"]
    assert dict(door.attributes or {})["http.response.status_code"] == 201
    assert len(told) == 3, "probes leave none"


async def test_without_being_asked_there_are_no_spans(
    kit: RabbitKit, front: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tracing.ENDPOINT, raising=False)
    with tracing.exporting("marquee"):
        assert not tracing.on()
        assert tracing.step("SERVER", GIVEN) is tracing.step("SERVER", None)
        answer = await front.post("/api/things/lamp", headers={"traceparent": GIVEN})
        assert answer.status == 201
    [message] = await kit.sender.batch(1)
    assert message.headers["traceparent"].startswith(f"00-{'1' * 32}-"), "the trace goes on"


def test_spans_are_sent_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracing.ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with tracing.exporting("marquee"):
        assert tracing.on()
        assert tracing.step("SERVER", None) is not tracing.step("SERVER", None)
    assert not tracing.on()


def test_missing_packages_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracing.ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(TracingUnavailable, match=r"marquee\[otel\]"), tracing.exporting("marquee"):
        pass
