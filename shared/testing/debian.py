"""Programs that tests need and PyPI has not: Debian's packages, installed where we may."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ONE_AT_A_TIME = Path(tempfile.gettempdir()) / "marquee-tests-apt.lock"
"""Test workers install in turn; for others' installations apt itself waits."""

_NO_SERVICES = Path("/usr/sbin/policy-rc.d")

_WAIT = ("-o", "DPkg::Lock::Timeout=300")


class NotInstalled(Exception):
    """apt-get failed; the text ends with what it said."""


def may_install() -> bool:
    """Whether this is a Debian on which we are root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str) -> None:
    """Install ``package``, without a service of its own being started.

    Raises NotInstalled. Does nothing that harms if another process was first.
    """
    with _ONE_AT_A_TIME.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _no_services():
            _apt("update", "-qq")
            done = _apt("install", "-y", "-qq", "--no-install-recommends", package)
    if done.returncode != 0:
        raise NotInstalled(f"apt-get install {package} failed: {done.stderr[-300:].strip()}")


def _apt(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", *_WAIT, *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@contextmanager
def _no_services() -> Iterator[None]:
    """Forbid packages to start daemons, unless somebody already says what they may."""
    forbid = not _NO_SERVICES.exists()
    if forbid:
        _NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
        _NO_SERVICES.chmod(0o755)
    try:
        yield
    finally:
        if forbid:
            _NO_SERVICES.unlink(missing_ok=True)
