"""Spans for OpenTelemetry: none, and at no cost, unless an operator asks for them.

They follow the ``traceparent`` that requests and events carry anyway. The packages are those of
the extra ``otel``; its own variables (``OTEL_SERVICE_NAME``, ``OTEL_TRACES_SAMPLER`` ...) hold.

Source: W3C Trace Context, and OpenTelemetry's conventions for HTTP and messaging spans.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The variable that says where spans are sent, and so that there are any."""

Kind = Literal["SERVER", "CONSUMER"]


class TracingUnavailable(Exception):
    """Spans are asked for, and the packages that make them are not installed."""


class Step:
    """One step of a trace; this one leaves none."""

    traceparent: str | None = None

    def called(self, name: str, **facts: str | int) -> None:
        """Name it, and note what is known of it."""


class _Traced(Step):
    def __init__(self, span: Span) -> None:
        from opentelemetry.trace import format_span_id, format_trace_id  # noqa: PLC0415

        where = span.get_span_context()
        self._span = span
        self.traceparent = (
            f"00-{format_trace_id(where.trace_id)}-{format_span_id(where.span_id)}"
            f"-{int(where.trace_flags):02x}"
        )

    def called(self, name: str, **facts: str | int) -> None:
        self._span.update_name(name)
        for fact, value in facts.items():
            self._span.set_attribute(fact.replace("__", "."), value)


_NONE = nullcontext(Step())


class _Tracing:
    """The tracer of this process, once there is one."""

    tracer: Tracer | None = None


def on() -> bool:
    """Whether steps leave spans."""
    return _Tracing.tracer is not None


def step(kind: Kind, parent: str | None) -> AbstractContextManager[Step]:
    """A step that follows ``parent``, a traceparent, for as long as the block takes."""
    return _NONE if _Tracing.tracer is None else _traced(_Tracing.tracer, kind, parent)


@contextmanager
def _traced(tracer: Tracer, kind: Kind, parent: str | None) -> Iterator[Step]:
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - only where it is used
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
        TraceContextTextMapPropagator,
    )

    before = TraceContextTextMapPropagator().extract({"traceparent": parent} if parent else {})
    with tracer.start_as_current_span(kind.lower(), context=before, kind=SpanKind[kind]) as span:
        yield _Traced(span)


def switch_on(provider: TracerProvider) -> None:
    """Leave spans with a provider from now on."""
    _Tracing.tracer = provider.get_tracer("marquee")


def switch_off() -> None:
    """Leave none any more."""
    _Tracing.tracer = None


@contextmanager
def exporting(service: str) -> Iterator[None]:
    """Send spans where the environment says, if it says so; the last ones at the end of the block.

    Raises TracingUnavailable.
    """
    if not os.environ.get(ENDPOINT):
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise TracingUnavailable(
            f"{ENDPOINT}: spans need packages that are not installed: pip install 'marquee[otel]'"
        ) from error
    named = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", service)})
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    switch_on(provider)
    try:
        yield
    finally:
        switch_off()
        provider.shutdown()
