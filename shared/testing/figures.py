"""What the process measures, as Prometheus would read it."""

from __future__ import annotations

from prometheus_client import REGISTRY


def figure(name: str, **labels: str) -> float:
    """The value of one sample; 0 while nothing was measured."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
