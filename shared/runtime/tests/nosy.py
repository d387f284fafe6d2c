"""Runs confined and tries what it should not be able to; for ``test_sandbox``."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> None:
    """Try one thing, and print what came of it."""
    attempt, place = arguments
    try:
        print(ATTEMPTS[attempt](Path(place)))
    except OSError:
        print("refused")


def _sockets(_: Path) -> list[str]:
    """By which orders could be given."""
    found = []
    for descriptor in range(64):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                found.append(str(descriptor))
        except OSError:
            continue
    return found


ATTEMPTS: Mapping[str, Callable[[Path], object]] = {
    "orders": _sockets,
    "files": lambda place: list(place.iterdir()),
    "socket": lambda _: socket.socket(),
    "environment": lambda _: [name for name in os.environ if name != "LC_CTYPE"],  # Python's own
}
