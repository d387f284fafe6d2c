"""Questions in PromQL: whether they can be read, and whether anybody can answer them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser

from deploy.check.exported import labels_by_metric

_MACROS = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "1h"}
"""What Grafana puts in before it asks."""


def complaints(expression: str) -> Iterator[str]:
    """What is wrong with an expression: its syntax, a metric nobody has, a label it has not."""
    for macro, value in _MACROS.items():
        expression = expression.replace(macro, value)
    try:
        tree = promql_parser.parse(expression)
    except ValueError as error:
        yield f"is no PromQL: {error}"
        return
    selectors: list[promql_parser.VectorSelector] = []

    def note(node: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            selectors.append(node)
        return True

    promql_parser.walk(tree, note)
    if not selectors:
        yield "asks for no metric"
    for selector in selectors:
        yield from _unanswerable(selector)
    known = frozenset().union(
        *(labels_by_metric().get(selector.name or "", frozenset()) for selector in selectors)
    )
    for label in _grouped_by(expression):
        if selectors and label not in known:
            yield f"groups by {label}, which none of its metrics has"


def _unanswerable(selector: promql_parser.VectorSelector) -> Iterator[str]:
    labels = labels_by_metric().get(selector.name or "")
    if labels is None:
        yield f"asks for {selector.name}, which no process exports"
        return
    for matcher in selector.matchers.matchers:
        if matcher.name not in labels:
            yield f"{selector.name} has no label {matcher.name}"


def _grouped_by(expression: str) -> Iterator[str]:
    for group in re.findall(r"\b(?:by|on)\s*\(([^()]*)\)", expression):
        yield from (label.strip() for label in group.split(",") if label.strip())
