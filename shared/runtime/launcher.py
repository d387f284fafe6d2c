"""The launcher as seen by who owns it: a process from which confined children are forked.

Python takes a while to start, and what looks into films a while to be imported. The launcher has
both behind it; so a child costs a fork, and a film takes eight of them.
"""

from __future__ import annotations

import marshal
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("confine.py")
ROOT = Path(__file__).parents[2]

_PATIENCE = 10.0  # seconds for an answer, which takes a few milliseconds
_PARTING = 1.0  # seconds for the launcher to end its children


class Launcher:
    """Started with the first child; if it dies, so do its children, and the next one is started.

    When we end, it ends all of them, and whatever they have forked.

    It has ``modules`` of ours imported. Calls block for the time of a fork: nothing can be
    cancelled between an order and its answer.
    """

    def __init__(self, modules: Sequence[str] = ()) -> None:
        self._modules = modules
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None

    def start(self, order: dict[str, Any], out: int, err: int) -> int:
        """Start a child that writes to these descriptors; return its process id.

        It leads a process group, and its id stays taken until ``ended``. Raises OSError.
        """
        try:
            pid = self._ask(order, out, err)
        except (ConnectionError, TimeoutError):
            self.close()
            pid = self._ask(order, out, err)
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        return pid

    def ended(self, pid: int) -> int:
        """The status of a child that has ended: its exit code, or minus the signal."""
        if self._orders:
            try:
                return self._ask({"ended": pid})
            except (ConnectionError, TimeoutError):
                self.close()
        return -signal.SIGKILL  # which it got when its launcher died

    def close(self) -> None:
        """End it, and with it every child and all that it has forked."""
        if self._process and self._orders:
            self._orders.close()
            try:
                self._process.wait(_PARTING)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._orders = None

    def _ask(self, order: dict[str, Any], *descriptors: int) -> int:
        orders = self._orders or self._open()
        socket.send_fds(orders, [marshal.dumps(order)], descriptors)
        answer = orders.recv(64)
        if not answer:
            raise ConnectionResetError("the launcher is gone")
        number: int = marshal.loads(answer)  # noqa: S302 - from who we started
        return number

    def _open(self) -> socket.socket:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(_PATIENCE)
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", str(PROGRAM)),
                    *(str(theirs.fileno()), str(ROOT), *self._modules),
                ],
                cwd="/",
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return self._orders
