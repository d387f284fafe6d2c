"""What kubectl renders, where there is one: ours must be the same."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from deploy.check.rendering import Manifest

_OLDEST = (1, 27)
"""Its kustomize is the first of version 5, which knows all that we use."""


def program() -> str | None:
    """The kubectl of this machine, if it is new enough."""
    found = shutil.which("kubectl")
    if found is None:
        return None
    told = subprocess.run(
        [found, "version", "--client", "--output=json"], capture_output=True, text=True, check=False
    )
    version = re.match(r"v(\d+)\.(\d+)", _git_version(told.stdout))
    new_enough = version and tuple(map(int, version.groups())) >= _OLDEST
    return found if new_enough else None


def _git_version(told: str) -> str:
    try:
        return str(json.loads(told)["clientVersion"]["gitVersion"])
    except (ValueError, KeyError):
        return ""


def differences(kubectl: str, overlay: Path, ours: Sequence[Manifest]) -> Iterator[str]:
    """What kubectl renders otherwise than we do."""
    ran = subprocess.run(
        [kubectl, "kustomize", overlay], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        yield f"kubectl kustomize: {ran.stderr.strip()}"
        return
    theirs = _by_name(list(yaml.safe_load_all(ran.stdout)))
    mine = _by_name(ours)
    for kind, name in sorted(theirs.keys() | mine.keys()):
        if theirs.get((kind, name)) != mine.get((kind, name)):
            yield f"kubectl renders another {kind} {name}"


def _by_name(manifests: Sequence[Manifest]) -> dict[tuple[str, str], Manifest]:
    return {(each["kind"], each["metadata"]["name"]): each for each in manifests}
