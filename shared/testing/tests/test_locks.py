"""The lock files hold what pyproject.toml asks for, with hashes and without addresses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]
TRACED = RUNTIME + PROJECT["project"]["optional-dependencies"]["otel"]
GROUPS = PROJECT["dependency-groups"]

WANTED = {
    "requirements.lock": RUNTIME,
    "requirements-audit.lock": GROUPS["audit"],
    "requirements-dev.lock": TRACED + GROUPS["dev"],
    "requirements-installer.lock": GROUPS["installer"],
    "requirements-node.lock": GROUPS["node"],
    "requirements-otel.lock": TRACED,
    "requirements-tools.lock": GROUPS["tools"],
}


def pinned(lock: str) -> dict[str, set[str]]:
    """Each package of a lock file with its versions, which may differ between Pythons."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", read(lock), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def read(lock: str) -> str:
    return (ROOT / lock).read_text()


@pytest.mark.parametrize("lock", WANTED)
def test_every_dependency_is_locked(lock: str) -> None:
    versions = pinned(lock)
    for wanted in map(Requirement, WANTED[lock]):
        locked = versions.get(canonicalize_name(wanted.name), set())
        assert locked, f"{wanted} is not in {lock}: run `make lock`"
        assert all(map(wanted.specifier.contains, locked)), f"{wanted}: run `make lock`"


@pytest.mark.parametrize("lock", WANTED)
def test_every_package_has_a_hash_and_none_an_address(lock: str) -> None:
    assert "://" not in read(lock)
    for block in re.split(r"^(?=[\w.-]+==)", read(lock), flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block


def test_tests_run_with_the_versions_that_the_product_runs_with() -> None:
    assert pinned("requirements.lock").items() <= pinned("requirements-dev.lock").items()
