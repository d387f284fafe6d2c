"""Who may talk to whom: nobody, but for what is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from deploy.check.objects import COMPONENT, labels_of, name_of, of_kind, selects, workloads
from deploy.check.rendering import Manifest

_NAMES, _DATABASE, _BROKER, _STORE, _HTTP = {53}, {5432}, {5671, 5672}, {443, 8333}, {8080}
_INGRESS = "marquee.example/ingress"
_PARTS = _NAMES | _DATABASE | _BROKER | _STORE

REACHES = {
    "migrate": _NAMES | _DATABASE,
    "gateway": _NAMES | _BROKER | _STORE | _HTTP,
    "notifier": _PARTS | _HTTP,
    **dict.fromkeys(("identity", "converter", "converter-worker", "assignment", "audit"), _PARTS),
}
"""The ports that each component needs to reach, and no others."""

ASKS = {
    "gateway": {"identity", "converter", "assignment", "audit", "notifier"},
    "notifier": {"identity"},
}
"""Which components each may ask, and is answered by: those that let people in, and no others."""


def findings(manifests: Sequence[Manifest]) -> Iterator[tuple[str, str]]:
    """What is open that should not be, and where; and what is shut that is needed."""
    policies = list(of_kind(manifests, "NetworkPolicy"))
    if not any(_denies_everything(policy["spec"]) for policy in policies):
        yield "NetworkPolicy", "none denies everything that no other allows"
    for policy in policies:
        for rule in policy["spec"].get("egress", []):
            for what in _too_wide(rule):
                yield name_of(policy), what
    yield from _conversations(manifests, [policy["spec"] for policy in policies])
    for workload in workloads(manifests):
        labels = labels_of(workload)
        mine = [p["spec"] for p in policies if selects(p["spec"]["podSelector"], labels)]
        reached = {
            port["port"]
            for spec in mine
            for rule in spec.get("egress", [])
            for port in rule.get("ports", [])
        }
        needed = REACHES.get(labels.get(COMPONENT, ""), set())
        if reached != needed:
            yield name_of(workload), f"reaches the ports {sorted(reached)}, not {sorted(needed)}"
        if any({} in spec.get("ingress", []) for spec in mine):
            yield name_of(workload), "anybody may ask it"


def _conversations(
    manifests: Sequence[Manifest], policies: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Who may ask or answer whom and should not, or should and may not; and the world."""
    everybody = {
        labels.get(COMPONENT, ""): labels for labels in map(labels_of, workloads(manifests))
    }
    for name, labels in everybody.items():
        asked = _met(policies, labels, "egress", "to", everybody)
        answered = _met(policies, labels, "ingress", "from", everybody)
        asking = {asker for asker, services in ASKS.items() if name in services}
        if asked != ASKS.get(name, set()):
            yield name, f"may ask {sorted(asked)}, not {sorted(ASKS.get(name, set()))}"
        if answered != asking:
            yield name, f"answers {sorted(answered)}, not {sorted(asking)}"
        if _open_to_the_world(policies, labels) != (name in ASKS):
            yield name, "the world may not ask it" if name in ASKS else "the world may ask it"


def _met(
    policies: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
    way: str,
    end: str,
    everybody: Mapping[str, Mapping[str, str]],
) -> set[str]:
    """The components at the other end of what is allowed to those with these labels."""
    peers = _peers(policies, labels, way, end)
    selectors = [peer["podSelector"] for peer in peers if "podSelector" in peer]
    return {
        name for name, theirs in everybody.items() if any(selects(s, theirs) for s in selectors)
    }


def _open_to_the_world(policies: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> bool:
    """Whether what comes through the ingress controller is let in."""
    controller = {_INGRESS: "true"}
    return any(
        selects(peer["namespaceSelector"], controller)
        for peer in _peers(policies, labels, "ingress", "from")
        if "namespaceSelector" in peer
    )


def _peers(
    policies: Sequence[Mapping[str, Any]], labels: Mapping[str, str], way: str, end: str
) -> list[Mapping[str, Any]]:
    return [
        peer
        for policy in policies
        if selects(policy["podSelector"], labels)
        for rule in policy.get(way, [])
        for peer in rule.get(end, [])
    ]


def _denies_everything(spec: Mapping[str, Any]) -> bool:
    return (
        spec["podSelector"] == {}
        and set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
    )


def _too_wide(rule: Mapping[str, Any]) -> Iterator[str]:
    if not rule.get("to"):
        yield "leads to the whole world"
    if not rule.get("ports"):
        yield "leads to any port"
    for peer in rule.get("to", []):
        block = peer.get("ipBlock", {}).get("cidr")
        if block and not ip_network(block).is_private:
            yield f"leads to {block}, which is no private network"
