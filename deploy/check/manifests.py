"""The manifests of Kubernetes: each overlay rendered, held against schemas and our own rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import yaml

from deploy.check import kubectl, network, pods, references, schema
from deploy.check.finding import Finding
from deploy.check.objects import name_of
from deploy.check.rendering import CannotRender, Manifest, render
from shared.entrance.settings import EntranceSettings
from shared.runtime.settings import PREFIX, SERVICE_PORTS, MarqueeSettings, RuntimeSettings

Secrets = dict[str, frozenset[str]]


def findings(kubernetes: Path, *, kubectl_program: str | None = None) -> Iterator[Finding]:
    """Everything amiss in a tree of ``base``, ``components`` and ``overlays``."""
    example = kubernetes / "base" / "secret.example.yaml"
    documents = list(yaml.safe_load_all(example.read_text("utf-8")))
    yield from _against_schemas(example.name, documents)
    secrets = {each["metadata"]["name"]: frozenset(each["stringData"]) for each in documents}
    for overlay in sorted((kubernetes / "overlays").iterdir()):
        try:
            manifests = render(overlay)
        except CannotRender as error:
            yield Finding(overlay.name, str(error))
            continue
        yield from of_overlay(overlay.name, manifests, secrets)
        if kubectl_program is not None:
            for difference in kubectl.differences(kubectl_program, overlay, manifests):
                yield Finding(overlay.name, difference)


def of_overlay(name: str, manifests: Sequence[Manifest], secrets: Secrets) -> Iterator[Finding]:
    """What is amiss in what an overlay renders; our rules are for what the schemas let pass."""
    wrong = list(_against_schemas(name, manifests))
    yield from wrong
    if not wrong:
        for where, what in (
            *pods.findings(manifests),
            *references.findings(manifests, secrets=secrets, variables=variables()),
            *network.findings(manifests),
        ):
            yield Finding(f"{name}: {where}", what)


def _against_schemas(name: str, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    for manifest in manifests:
        for complaint in schema.complaints(manifest):
            yield Finding(f"{name}: {name_of(manifest)}", complaint)


def variables() -> frozenset[str]:
    """The environment variables of all settings."""
    names = {
        f"{PREFIX}{field.upper()}"
        for settings in _all_settings()
        for field in settings.model_fields
    }
    return frozenset(names | {f"{name}_FILE" for name in names})


def _all_settings() -> Iterator[type[MarqueeSettings]]:
    yield RuntimeSettings
    yield EntranceSettings
    for service in ("gateway", *SERVICE_PORTS):
        module = f"services.{service}.settings"
        if find_spec(f"services.{service}") and find_spec(module):
            for declared in vars(import_module(module)).values():
                if isinstance(declared, type) and issubclass(declared, MarqueeSettings):
                    yield declared
