"""Schemas: Kubernetes' own from the package that holds them, and ours for what others define."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from deploy.check.rendering import Manifest

_SCHEMAS = Path(__file__).with_name("schemas")

CUSTOM = frozenset(
    {"HTTPRoute", "PrometheusRule", "ScaledObject", "ServiceMonitor", "TriggerAuthentication"}
)

VERSIONS = ("1.27", kubernetes_validate.latest_version())
"""The oldest Kubernetes that the manifests are for, and the newest whose schemas are known."""


def complaints(manifest: Manifest) -> tuple[str, ...]:
    """What its kind's schema has against a manifest."""
    return _complaints(json.dumps(manifest, sort_keys=True))


@cache
def _complaints(told: str) -> tuple[str, ...]:
    """Overlays have most of their manifests in common, and to look at one takes 50 ms."""
    manifest = json.loads(told)
    if manifest["kind"] not in CUSTOM:
        return tuple(_of_kubernetes(manifest))
    return (*violations("Custom", manifest), *violations(manifest["kind"], manifest))


def violations(schema: str, told: Any) -> Iterator[str]:
    """What one of our own schemas has against something."""
    error = best_match(_validator(schema).iter_errors(told))
    if error is not None:
        yield _said(error)


def _of_kubernetes(manifest: Manifest) -> Iterator[str]:
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"Kubernetes {version}: {_said(error)}"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"Kubernetes {version} has no {manifest['apiVersion']} {manifest['kind']}"


def _said(error: ValidationError) -> str:
    place = ".".join(map(str, error.absolute_path)) or "the whole"
    return f"{place}: {error.message[:300]}"


@cache
def _validator(name: str) -> Draft202012Validator:
    schemas = {file.stem: yaml.safe_load(file.read_text("utf-8")) for file in _files()}
    resources = [
        (f"marquee:{stem}", Resource.from_contents(schema, default_specification=DRAFT202012))
        for stem, schema in schemas.items()
    ]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator({"$ref": f"marquee:{name}"}, registry=registry)


def _files() -> Iterator[Path]:
    return _SCHEMAS.glob("*.yaml")
