"""Renders a kustomization as ``kubectl kustomize`` would, in as much of its language as we use.

A machine that checks manifests may have no kubectl. What is not understood here is refused, so that
nothing is passed over; where there is a kubectl, a test compares what the two render.

Source: the reference of kustomization files (kustomize 5), and RFC 6902 for patches.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

_CLUSTER_WIDE = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding"})
_WITH_PODS = frozenset({"Deployment", "Job"})
_KINDS = {"Kustomization", "Component"}


class CannotRender(Exception):
    """A kustomization is wrong, or says what is not understood here."""


def render(directory: Path) -> list[Manifest]:
    """All manifests of the kustomization in a directory. Raises CannotRender."""
    return _Kustomization(directory).applied_to([])


class _Kustomization:
    """One ``kustomization.yaml``; its fields take effect in the order that kustomize gives them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / "kustomization.yaml"
        documents = list(_documents(self._file))
        if len(documents) != 1 or documents[0].get("kind") not in _KINDS:
            raise CannotRender(f"{self._file}: is not one Kustomization or Component")
        self._fields = documents[0]
        unknown = set(self._fields) - {"apiVersion", "kind", *_STEPS}
        if unknown:
            raise CannotRender(f"{self._file}: does not understand {', '.join(sorted(unknown))}")

    def applied_to(self, manifests: list[Manifest]) -> list[Manifest]:
        for field, step in _STEPS.items():
            if field in self._fields:
                manifests = step(self, manifests, self._fields[field])
        names = [(each["kind"], each["metadata"]["name"]) for each in manifests]
        twins = {name for name in names if names.count(name) > 1}
        if twins:
            raise CannotRender(f"{self._file}: more than one {sorted(twins)}")
        return manifests

    def resources(self, manifests: list[Manifest], paths: Sequence[str]) -> list[Manifest]:
        added: list[Manifest] = []
        for path in map(self._inside, paths):
            added += render(path) if path.is_dir() else _documents(path)
        return [*manifests, *added]

    def components(self, manifests: list[Manifest], paths: Sequence[str]) -> list[Manifest]:
        for path in map(self._inside, paths):
            manifests = _Kustomization(path).applied_to(manifests)
        return manifests

    def generators(
        self, manifests: list[Manifest], generators: Sequence[Mapping[str, Any]]
    ) -> list[Manifest]:
        return [*manifests, *map(self._config_map, generators)]

    def _config_map(self, generator: Mapping[str, Any]) -> Manifest:
        options = generator.get("options", {})
        if set(generator) - {"name", "files", "options"} or not options.get(
            "disableNameSuffixHash"
        ):
            raise CannotRender(f"{self._file}: takes config maps of files, with their names kept")
        files = [self._inside(path) for path in generator["files"]]
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": generator["name"], "labels": dict(options.get("labels", {}))},
            "data": {file.name: file.read_text("utf-8") for file in files},
        }

    def patches(
        self, manifests: list[Manifest], patches: Sequence[Mapping[str, Any]]
    ) -> list[Manifest]:
        for patch in patches:
            text = patch["patch"] if "patch" in patch else self._inside(patch["path"]).read_text()
            operations = yaml.safe_load(text)
            if not isinstance(operations, list) or set(patch["target"]) - {"kind", "name"}:
                raise CannotRender(f"{self._file}: takes patches of RFC 6902, by kind and name")
            meant = [each for each in manifests if _meant(each, patch["target"])]
            if not meant:
                raise CannotRender(f"{self._file}: a patch has no target {patch['target']}")
            for manifest in meant:
                self._patch(manifest, operations)
        return manifests

    def _patch(self, manifest: Manifest, operations: Sequence[Mapping[str, Any]]) -> None:
        for operation in operations:
            try:
                _change(manifest, operation)
            except (KeyError, IndexError, TypeError, ValueError) as error:
                name = f"{manifest['kind']} {manifest['metadata']['name']}"
                raise CannotRender(
                    f"{self._file}: {name}: cannot {operation.get('op')} {operation.get('path')}"
                ) from error

    def namespace(self, manifests: list[Manifest], name: str) -> list[Manifest]:
        for manifest in manifests:
            if manifest["kind"] not in _CLUSTER_WIDE:
                manifest["metadata"]["namespace"] = name
        return manifests

    def labels(
        self, manifests: list[Manifest], groups: Sequence[Mapping[str, Any]]
    ) -> list[Manifest]:
        for group in groups:
            if set(group) - {"pairs", "includeTemplates"}:
                raise CannotRender(f"{self._file}: takes labels of objects and of pod templates")
            for manifest in manifests:
                places = [manifest]
                if group.get("includeTemplates") and manifest["kind"] in _WITH_PODS:
                    places.append(manifest["spec"]["template"])
                for place in places:
                    place.setdefault("metadata", {}).setdefault("labels", {}).update(group["pairs"])
        return manifests

    def replicas(
        self, manifests: list[Manifest], counts: Sequence[Mapping[str, Any]]
    ) -> list[Manifest]:
        deployments = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "Deployment"}
        for count in counts:
            if count["name"] not in deployments:
                raise CannotRender(f"{self._file}: replicas of {count['name']}, which is not there")
            deployments[count["name"]]["spec"]["replicas"] = count["count"]
        return manifests

    def images(
        self, manifests: list[Manifest], images: Sequence[Mapping[str, Any]]
    ) -> list[Manifest]:
        renamed = {
            image["name"]: f"{image.get('newName', image['name'])}:{image['newTag']}"
            for image in images
        }
        for manifest in manifests:
            if manifest["kind"] in _WITH_PODS:
                for container in manifest["spec"]["template"]["spec"]["containers"]:
                    name = container["image"].partition(":")[0]
                    container["image"] = renamed.get(name, container["image"])
        return manifests

    def _inside(self, path: str) -> Path:
        place = self._directory / path
        if not place.exists():
            raise CannotRender(f"{self._file}: {path} is not there")
        if place.is_file() and self._directory.resolve() not in place.resolve().parents:
            raise CannotRender(f"{self._file}: {path} lies outside, which kustomize refuses")
        return place


_STEPS: dict[str, Callable[[_Kustomization, list[Manifest], Any], list[Manifest]]] = {
    "resources": _Kustomization.resources,
    "components": _Kustomization.components,
    "configMapGenerator": _Kustomization.generators,
    "patches": _Kustomization.patches,
    "namespace": _Kustomization.namespace,
    "labels": _Kustomization.labels,
    "replicas": _Kustomization.replicas,
    "images": _Kustomization.images,
}


class _NoTwins(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML's usual readers take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twins = {str(key) for key in keys if keys.count(key) > 1}
        if twins:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {sorted(twins)} is there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def _documents(file: Path) -> Iterator[Manifest]:
    try:
        documents = list(yaml.load_all(file.read_text("utf-8"), _NoTwins))
    except (OSError, yaml.YAMLError) as error:
        raise CannotRender(f"{file}: {error}") from error
    for document in documents:
        if not isinstance(document, dict) or "kind" not in document:
            raise CannotRender(f"{file}: is no manifest")
        yield document


def _meant(manifest: Manifest, target: Mapping[str, str]) -> bool:
    """Whether a patch is for this one; both are patterns of the whole word."""
    told = {"kind": manifest["kind"], "name": manifest["metadata"]["name"]}
    return all(re.fullmatch(pattern, told[field]) for field, pattern in target.items())


def _change(manifest: Manifest, operation: Mapping[str, Any]) -> None:
    """Add, replace or remove what a JSON Pointer (RFC 6901) names."""
    *way, last = (
        step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]
    )
    place: Any = manifest
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    key = int(last) if isinstance(place, list) and last != "-" else last
    match operation["op"]:
        case "add" if isinstance(place, list):
            place.insert(len(place) if key == "-" else key, copy.deepcopy(operation["value"]))
        case "add":
            place[key] = copy.deepcopy(operation["value"])
        case "replace":
            place[key]  # is there, or this raises
            place[key] = copy.deepcopy(operation["value"])
        case "remove":
            del place[key]
        case other:
            raise ValueError(f"not understood: {other}")
