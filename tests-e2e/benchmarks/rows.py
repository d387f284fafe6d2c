"""The rows of the target table, in the order in which they are measured, and the file of each."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

ROWS = {
    "assign_rps": "assign_rps",
    "undo_latency": "undo_latency",
    "assign_storm": "assign_storm",
    "bulk_1000": "bulk",
    "bulk_10000": "bulk",
    "history_page": "history_page",
    "notify_latency": "notify_latency",
    "fanout_rate": "fanout_rate",
    "enqueue_rate": "enqueue_rate",
    "convert_backlog": "convert_overhead",
    "convert_overhead": "convert_overhead",
    "convert_speed": "convert",
    "first_preview": "convert",
    "convert_again": "convert",
    "upload_stream": "upload_stream",
    "relay_rate": "relay_rate",
    "consume_rate": "consume_rate",
    "audit_ingest": "audit_ingest",
    "audit_verify": "audit_verify",
    "cold_start": "cold_start",
    "scale_out": "scale_out",
    "console": "console",
}

APART = {"presets": "presets"}
"""What takes too long to be measured unless it is named."""


def chosen(names: Sequence[str]) -> list[ModuleType]:
    """The modules of some rows, each once, or of the whole table. Raises LookupError."""
    every = ROWS | APART
    if unknown := [name for name in names if name not in every]:
        raise LookupError(f"no such row: {', '.join(unknown)}; there are {', '.join(every)}")
    files = dict.fromkeys(every[name] for name in names or ROWS)
    return [import_module(f"benchmarks.{file}") for file in files]
