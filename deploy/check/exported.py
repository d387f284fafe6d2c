"""The metrics that our processes export: asked of the code, not of a list."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module

from prometheus_client import REGISTRY

import services
import shared

TARGET = frozenset({"component", "instance", "job"})
"""Labels that every scraped sample has."""

FOREIGN = dict.fromkeys(
    ("up", "process_cpu_seconds_total", "process_resident_memory_bytes"), TARGET
)
"""What Prometheus itself and its client library tell, by their labels."""

_SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}


@cache
def labels_by_metric() -> dict[str, frozenset[str]]:
    """The labels of each sample that a process may have in its ``/metrics``."""
    for package in (services, shared):
        _import_all(package.__path__, package.__name__)
    exported = dict(FOREIGN)
    for collector in set(REGISTRY._collector_to_names):
        names = getattr(collector, "_labelnames", ())
        for metric in collector.describe() if hasattr(collector, "describe") else ():
            for suffix in _SUFFIXES.get(metric.type, ()):
                labels = {*names, "le"} if suffix == "_bucket" else names
                exported[metric.name + suffix] = frozenset(labels) | TARGET
    return exported


def _import_all(paths: Iterable[str], name: str) -> None:
    """Whatever measures registers when it is imported; tests and entry points do not."""
    for module in pkgutil.walk_packages(paths, f"{name}."):
        words = module.name.split(".")
        if not {"tests", "testing", "migrations", "alembic", "__main__", "cli"} & set(words):
            import_module(module.name)
