"""What consumers do, and how the way to the broker holds: by queue, never by message or tenant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from prometheus_client import Counter, Histogram

from shared.bus.port import Delivery

settled = Counter(
    "marquee_consumer_messages_total",
    "Messages by what became of them: acknowledged, retried or parked",
    ["queue", "outcome"],
)
repeated = Counter(
    "marquee_consumer_repeats_total",
    "Messages that came again and were recognised, so that they had no second effect",
    ["queue"],
)
undecided = Counter(
    "marquee_consumer_failures_total",
    "Times a handler could not work: paused while something is away, or broken by itself",
    ["queue", "reason"],
)
handling = Histogram(
    "marquee_consumer_duration_seconds",
    "Time that a handler takes for a batch",
    ["queue"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600),
)
waited = Histogram(
    "marquee_consumer_lag_seconds",
    "Age of the oldest message of a batch when its handler begins",
    ["queue"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)
rebuilt = Counter(
    "marquee_consumer_rebuilds_total",
    "Consumers attached anew although their connection had held",
    ["queue"],
)
connected = Counter(
    "marquee_broker_connections_total", "Connections made to the broker", ["connection"]
)


def age(deliveries: Sequence[Delivery]) -> float | None:
    """Seconds since the oldest of them was said, if they tell; clocks differ a little."""
    told = [each.message.headers.get("ce-time", "") for each in deliveries]
    try:
        oldest = datetime.fromisoformat(min(time for time in told if time))
    except ValueError:  # none tells, or not as we do
        return None
    if oldest.tzinfo is None:
        return None
    return max(0.0, (datetime.now(UTC) - oldest).total_seconds())
