"""What manifests say of each other, of the secrets, and of our own names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from deploy.check.objects import labels_of, name_of, of_kind, pod_of, selects, workloads
from deploy.check.rendering import Manifest
from shared.contracts.topology import QUEUES

Found = Iterator[tuple[str, str]]

LEADS = {("Exact", "/ws"): "notifier", ("Prefix", "/"): "gateway"}
"""Where a door leads: WebSockets past the gateway, which would pass each frame on, and all else."""


def findings(
    manifests: Sequence[Manifest],
    *,
    secrets: Mapping[str, Collection[str]],
    variables: frozenset[str],
) -> Found:
    """What does not fit, and where.

    ``secrets`` are the keys of each Secret that operators are told to make, ``variables`` all
    settings by their environment variables.
    """
    yield from _one_namespace(manifests)
    yield from _services(manifests)
    yield from _scaling(manifests)
    yield from _doors(manifests)
    yield from _disruption(manifests)
    for workload in workloads(manifests):
        for what in (
            *_volumes(workload, secrets),
            *_environment(workload, manifests, secrets, variables),
        ):
            yield name_of(workload), what
    for config in of_kind(manifests, "ConfigMap"):
        for variable in _unknown(config["data"], variables):
            yield name_of(config), f"{variable} is no setting"


def _one_namespace(manifests: Sequence[Manifest]) -> Found:
    for manifest in manifests:
        inside = manifest["metadata"].get("namespace") == "marquee"
        if not inside and manifest["kind"] != "Namespace":
            yield name_of(manifest), "would land in whatever namespace kubectl is in"


def _services(manifests: Sequence[Manifest]) -> Found:
    for service in of_kind(manifests, "Service"):
        chosen = [
            workload
            for workload in of_kind(manifests, "Deployment")
            if selects({"matchLabels": service["spec"]["selector"]}, labels_of(workload))
        ]
        if len(chosen) != 1:
            yield name_of(service), f"is for {len(chosen)} deployments"
        ports = {port["name"] for each in chosen for port in _ports(each)}
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in ports:
                yield name_of(service), f"nobody has a port {port['targetPort']}"
    for monitor in of_kind(manifests, "ServiceMonitor"):
        scraped = {
            manifest["metadata"]["name"]
            for manifest in of_kind(manifests, "Service")
            if selects(monitor["spec"]["selector"], manifest["metadata"].get("labels", {}))
        }
        for deployment in of_kind(manifests, "Deployment"):
            if deployment["metadata"]["name"] not in scraped:
                yield name_of(monitor), f"does not scrape {deployment['metadata']['name']}"


def _ports(deployment: Manifest) -> list[dict[str, Any]]:
    return [port for each in pod_of(deployment)["containers"] for port in each.get("ports", [])]


def _scaling(manifests: Sequence[Manifest]) -> Found:
    deployments = {m["metadata"]["name"]: m for m in of_kind(manifests, "Deployment")}
    for scaler in of_kind(manifests, "HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]["name"]
        if target not in deployments:
            yield name_of(scaler), f"there is no Deployment {target}"
        elif "replicas" in deployments[target]["spec"]:
            yield name_of(scaler), f"whoever applies Deployment {target} sets its replicas back"
    known = {queue.name for queue in QUEUES}
    tickets = {m["metadata"]["name"] for m in of_kind(manifests, "TriggerAuthentication")}
    for scaled in of_kind(manifests, "ScaledObject"):
        for trigger in scaled["spec"]["triggers"]:
            metadata = trigger["metadata"]
            if metadata["protocol"] != "http":
                yield name_of(scaled), "counts only what waits, and takes away workers at work"
            if metadata["queueName"] not in known:
                yield name_of(scaled), f"there is no queue {metadata['queueName']}"
            if trigger["authenticationRef"]["name"] not in tickets:
                yield name_of(scaled), "its TriggerAuthentication is not there"


def _doors(manifests: Sequence[Manifest]) -> Found:
    services = {m["metadata"]["name"]: m for m in of_kind(manifests, "Service")}
    for door in of_kind(manifests, "HTTPRoute", "Ingress"):
        led = list(_led(door))
        for path, name in led:
            if name not in services:
                yield name_of(door), f"leads to {name}, which is not there"
            elif name != LEADS.get(path):
                yield name_of(door), f"leads {' '.join(path)} to {name}"
        for path in LEADS.keys() - {path for path, _ in led}:
            yield name_of(door), f"leads {' '.join(path)} nowhere, not to {LEADS[path]}"


def _led(door: Manifest) -> Iterator[tuple[tuple[str, str], str]]:
    """The paths that a door knows, and the service each leads to; the most exact counts."""
    for rule in door["spec"]["rules"]:
        for match in rule.get("matches", [{}]):
            path = match.get("path", {"type": "PathPrefix", "value": "/"})
            for backend in rule.get("backendRefs", []):
                yield (path["type"].removeprefix("Path"), path["value"]), backend["name"]
        for path in rule.get("http", {}).get("paths", []):
            yield (path["pathType"], path["path"]), path["backend"]["service"]["name"]


def _disruption(manifests: Sequence[Manifest]) -> Found:
    budgets = [m["spec"]["selector"] for m in of_kind(manifests, "PodDisruptionBudget")]
    for deployment in of_kind(manifests, "Deployment"):
        chosen = [each for each in budgets if selects(each, labels_of(deployment))]
        if len(chosen) != 1:
            yield name_of(deployment), f"has {len(chosen)} PodDisruptionBudgets"


def _volumes(workload: Manifest, secrets: Mapping[str, Collection[str]]) -> Iterator[str]:
    pod = pod_of(workload)
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for container in pod["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"mounts {mount['name']}, which is not there"
    for volume in volumes.values():
        name = volume.get("secret", {}).get("secretName")
        if name is not None and name not in secrets:
            yield f"needs a Secret {name}, of which secret.example.yaml says nothing"


def _environment(
    workload: Manifest,
    manifests: Sequence[Manifest],
    secrets: Mapping[str, Collection[str]],
    variables: frozenset[str],
) -> Iterator[str]:
    """Settings that are none, and files that no Secret has."""
    configs = {m["metadata"]["name"]: m["data"] for m in of_kind(manifests, "ConfigMap")}
    for container in pod_of(workload)["containers"]:
        told = {each["name"]: each.get("value", "") for each in container.get("env", [])}
        for variable in _unknown(told, variables):
            yield f"{variable} is no setting"
        for source in container.get("envFrom", []):
            told |= configs.get(source["configMapRef"]["name"], {})
        mounted = _mounted(workload, container)
        for variable, value in told.items():
            path = PurePosixPath(value)
            keys = secrets.get(mounted.get(path.parent, ""), ())
            if variable.endswith("_FILE") and path.name not in keys:
                yield f"{variable} names {path}, which is in no Secret that is mounted there"


def _mounted(workload: Manifest, container: Mapping[str, Any]) -> dict[PurePosixPath, str]:
    """Where which Secret is."""
    volumes = {
        volume["name"]: volume.get("secret", {}).get("secretName", "")
        for volume in pod_of(workload).get("volumes", [])
    }
    return {
        PurePosixPath(mount["mountPath"]): volumes.get(mount["name"], "")
        for mount in container.get("volumeMounts", [])
    }


def _unknown(told: Iterable[str], variables: frozenset[str]) -> list[str]:
    return [name for name in told if name.startswith("MARQUEE_") and name not in variables]
