"""Finding one's way among manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.check.rendering import Manifest

COMPONENT = "app.kubernetes.io/component"


def name_of(manifest: Manifest) -> str:
    """What a finding calls it."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def of_kind(manifests: Sequence[Manifest], *kinds: str) -> Iterator[Manifest]:
    """Those of these kinds."""
    return (each for each in manifests if each["kind"] in kinds)


def workloads(manifests: Sequence[Manifest]) -> Iterator[Manifest]:
    """What starts pods."""
    return of_kind(manifests, "Deployment", "Job")


def pod_of(workload: Manifest) -> dict[str, Any]:
    """The specification of its pods."""
    spec: dict[str, Any] = workload["spec"]["template"]["spec"]
    return spec


def labels_of(workload: Manifest) -> dict[str, str]:
    """The labels of its pods."""
    return workload["spec"]["template"].get("metadata", {}).get("labels") or {}


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector is for what has these labels; an empty one is for everything."""
    wanted = selector.get("matchLabels", {})
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions", [])
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", [])
    return {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[expression["operator"]]
