"""Starting a program that must not be root and must not outlive us (Linux)."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

OWN_UID = 60_777
"""Runs the database when we are root: a uid of its own, so that no other daemon that shares
``nobody`` may look into its memory. Outside the ranges that Debian and systemd hand out."""

_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


def own_uid() -> int:
    """Who shall own the data."""
    return OWN_UID if os.geteuid() == 0 else os.geteuid()


def named_uid() -> int:
    """A uid with a name, for the programs that insist on one."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()


def with_a_name(command: Sequence[str]) -> list[str]:
    """The command, in a user namespace when our own uid has no name (a container's ``--user``)."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        unshare = shutil.which("unshare")
        if unshare:
            return [unshare, "-U", "--map-user=65534", "--map-group=65534", *command]
    return list(command)


def leave_with(parent: int, number: signal.Signals) -> Callable[[], None]:
    """For ``preexec_fn``: have the kernel send a signal when the thread that forked ends."""

    def ask_the_kernel() -> None:
        # A change of credentials clears it, so it comes last.
        _libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel


def spawn(
    command: Sequence[str],
    *,
    uid: int,
    directory: Path,
    log: IO[bytes],
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in ``directory`` as ``uid``; it is interrupted when the calling thread ends.

    The directory is entered before root is given up, so its parents may be closed to the uid.
    The kernel watches the thread, not the process: call this from the main thread.
    """
    root = os.geteuid() == 0
    return subprocess.Popen(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
        start_new_session=True,
        pass_fds=keep,
        preexec_fn=leave_with(os.getpid(), signal.SIGINT),  # noqa: PLW1509 - calls nothing that another thread may hold
        user=uid if root else None,
        group=uid if root else None,
        extra_groups=[] if root else None,
    )
