"""What every pod of ours has to be like.

Source: the profile "restricted" of the Pod Security Standards, and what a process of ours needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from deploy.check.objects import COMPONENT, labels_of, name_of, pod_of, selects, workloads
from deploy.check.rendering import Manifest

_CONVERTS = frozenset({"converter", "converter-worker"})

_ATTEMPT_SECONDS = 600
"""The longest that one attempt to convert may take."""

_STOP_SECONDS = 20
"""How long any process may take to stop, with the pause before it is asked to."""


def findings(manifests: Sequence[Manifest]) -> Iterator[tuple[str, str]]:
    """What is amiss, and where."""
    for workload in workloads(manifests):
        for what in (*_pod(workload), *_containers(workload)):
            yield name_of(workload), what
        if workload["kind"] == "Deployment":
            for what in (*_stays_up(workload), *_spread(workload), *_ends(workload)):
                yield name_of(workload), what


def _pod(workload: Manifest) -> Iterator[str]:
    pod = pod_of(workload)
    security = pod.get("securityContext", {})
    if pod.get("enableServiceLinks") is not False:
        yield "enableServiceLinks is not false: a Service would set MARQUEE_ variables"
    if pod.get("automountServiceAccountToken") is not False:
        yield "is given a token of the cluster, which it never uses"
    if security.get("runAsNonRoot") is not True or security.get("runAsUser", 0) < 10_000:
        yield "does not run as a user of its own"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "has no seccomp profile"
    for host in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(host):
            yield f"has {host}"
    for volume in pod.get("volumes", []):
        if "hostPath" in volume:
            yield f"mounts {volume['name']} of its node"
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"the volume {volume['name']} may fill the disk of its node"


def _containers(workload: Manifest) -> Iterator[str]:
    for container in pod_of(workload)["containers"]:
        security = container.get("securityContext", {})
        if security.get("allowPrivilegeEscalation") is not False:
            yield "may gain privileges"
        if security.get("readOnlyRootFilesystem") is not True:
            yield "its root file system is not read-only"
        if security.get("capabilities") != {"drop": ["ALL"]}:
            yield "keeps capabilities"
        _, _, tag = container["image"].rpartition("/")[2].partition(":")
        if tag in ("", "latest"):
            yield f"its image {container['image']} may be any version"
        yield from _resources(container.get("resources", {}))


def _resources(resources: dict[str, Any]) -> Iterator[str]:
    for resource in ("cpu", "memory"):
        if resource not in resources.get("requests", {}):
            yield f"does not say how much {resource} it needs"
    if "memory" not in resources.get("limits", {}):
        yield "may take all memory of its node"
    if "cpu" in resources.get("limits", {}):
        yield "is throttled by a limit of CPU, where requests share it out"


def _stays_up(deployment: Manifest) -> Iterator[str]:
    for container in pod_of(deployment)["containers"]:
        for probe, path in (
            ("startupProbe", "/livez"),
            ("livenessProbe", "/livez"),
            ("readinessProbe", "/readyz"),
        ):
            if container.get(probe, {}).get("httpGet", {}).get("path") != path:
                yield f"its {probe} does not ask {path}"
        if "preStop" not in container.get("lifecycle", {}):
            yield "is stopped while it is still being asked"
    if deployment["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
        yield "is taken down before its successor is up"


def _spread(deployment: Manifest) -> Iterator[str]:
    labels = labels_of(deployment)
    constraints = [
        constraint
        for constraint in pod_of(deployment).get("topologySpreadConstraints", [])
        if selects(constraint["labelSelector"], labels)
        and COMPONENT in constraint.get("matchLabelKeys", [])
    ]
    spread = {constraint["topologyKey"] for constraint in constraints}
    for topology in ("kubernetes.io/hostname", "topology.kubernetes.io/zone"):
        if topology not in spread:
            yield f"its pods are not spread by {topology}"


def _ends(deployment: Manifest) -> Iterator[str]:
    converts = labels_of(deployment).get(COMPONENT) in _CONVERTS
    least = _ATTEMPT_SECONDS if converts else _STOP_SECONDS
    given = pod_of(deployment).get("terminationGracePeriodSeconds", 30)
    if given <= least:
        yield f"has {given} s to end, and may need {least}"
