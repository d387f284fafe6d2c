"""Request metrics, and ``/metrics`` for Prometheus to fetch them."""

from __future__ import annotations

from functools import lru_cache

from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest

REQUEST_SECONDS = Histogram(
    "marquee_http_request_duration_seconds",
    "Time from the head of a request to the end of its answer.",
    ["service", "method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)


def observe(service: str, request: web.Request, status: int, seconds: float) -> None:
    """Count one request; labels take only values from our own tables."""
    method = request.method if request.method in hdrs.METH_ALL else "other"
    _of(service, method, route_of(request), status).observe(seconds)


@lru_cache(maxsize=4096)
def _of(service: str, method: str, route: str, status: int) -> Histogram:
    """Looking up a labelled histogram costs more than observing."""
    return REQUEST_SECONDS.labels(service, method, route, str(status))


def route_of(request: web.Request) -> str:
    """The route's template, never the path itself, or ``unmatched``."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unmatched"


async def metrics(_: web.Request) -> web.Response:
    """Everything this process measures, in the text format of Prometheus."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
