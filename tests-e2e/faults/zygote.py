"""A process that has imported every service, and forks into one whenever it is told to.

``python -m faults.zygote DESCRIPTOR``: the descriptor is a socket that keeps messages apart. Each
tells a service to start, with the descriptors of its output and its log; the pid is the answer,
and when the service ends, the pid and its exit code. A service is up in half a second this way,
and what it runs is the product's code but for the failpoints.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from importlib import import_module
from types import FrameType
from typing import Any

from faults import failpoints
from services import SERVICES
from services.__main__ import main as serve
from shared.db.unprivileged import leave_with

_MESSAGE = 64 * 1024


def _import_everything() -> None:
    for where in SERVICES.values():
        import_module(f"services.{where.partition(':')[0]}.service")
    for module in ("services.start", "shared.bus.rabbit", "shared.blobs.s3", "uvloop"):
        import_module(module)


def _become(order: dict[str, Any], output: int, log: int) -> int:
    """Be a service until it ends; return the exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    os.dup2(output, 1)
    os.dup2(log, 2)
    os.environ.update(order["environment"])
    sys.argv = ["services", *order["services"]]
    try:
        serve()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _fork(order: dict[str, Any], descriptors: list[int], control: socket.socket) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            leave_with(parent, signal.SIGKILL)()
            control.close()
            code = _become(order, *descriptors)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def main() -> None:
    """Fork until the other end of the socket is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))

    def reap(_: int, __: FrameType | None) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            control.send(json.dumps({"ended": pid, "code": code}).encode())

    _import_everything()
    failpoints.install()
    gc.freeze()  # what is shared with the children stays shared
    signal.signal(signal.SIGCHLD, reap)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MESSAGE, 2)
        if not message:
            return
        order = json.loads(message)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # no end before its beginning
        pid = _fork(order, descriptors, control)
        control.send(json.dumps({"started": order["name"], "pid": pid}).encode())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


if __name__ == "__main__":
    main()
