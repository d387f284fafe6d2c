"""The launcher: forks children that hostile input may have, which then become their programs.

Runs on its own (``python -I confine.py SOCKET ROOT [MODULE ...]``) and knows nothing but its
orders and the modules of ours that it has ready, so that there is nothing in a child's memory to be
found. A program may lie in a directory that the confined account cannot enter: it is opened before,
and executed by its descriptor.

What the host refuses is left out; ``confine`` tells which mechanisms it grants. Linux only; the
numbers below are its stable system call interface (x86-64 and arm64).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import marshal
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
SIGKILL = 9
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SECCOMP_MODE_FILTER = 2

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
FORBIDDEN = {
    # socket, socketpair, ptrace, process_vm_readv/writev, unshare, setns, mount, bpf, keyctl,
    # userfaultfd, perf_event_open, io_uring_setup, setsid, setpgid, kill, tkill, tgkill,
    # rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_send_signal, pidfd_getfd: a way out, away from the
    # process group by which the whole family is ended, or to others that run in the same account
    "x86_64": (
        *(41, 53, 101, 310, 311, 272, 308, 165, 321, 250, 323, 298, 425, 112, 109),
        *(62, 200, 234, 129, 297, 424, 438),
    ),
    "aarch64": (
        *(198, 199, 117, 270, 271, 97, 268, 40, 280, 219, 282, 241, 425, 157, 154),
        *(129, 130, 131, 138, 240, 424, 438),
    ),
}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
"""Its flags lie in memory, which no filter can read; who is told it is missing uses ``clone``."""
PRLIMIT = {"x86_64": 302, "aarch64": 261}
NEW_NAMESPACES = 0x7E020000
"""The flags of ``clone`` that make a namespace, where one would be root again."""

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # ABI -> how many rights it knows; later ones: 16
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
READABLE = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/sys/devices/system")


LARGEST_ORDER = 128 * 1024


def main() -> None:
    """Carry out orders, ``marshal`` in packets; end all children when nobody is left to give one.

    The modules are imported after the first, so that who starts us need not wait for them.
    """
    descriptor, root, *modules = sys.argv[1:]
    children: set[int] = set()
    orders = socket.socket(fileno=int(descriptor))
    sys.path.append(root)
    while True:
        message, descriptors, _, _ = socket.recv_fds(
            orders, LARGEST_ORDER, 2, socket.MSG_CMSG_CLOEXEC
        )
        if not message:
            return _end(children)
        order = marshal.loads(message)  # noqa: S302 - from who started us
        if "ended" in order:
            answer = _ended(order["ended"])
            children.discard(order["ended"])
        else:
            answer = _start(order, descriptors, orders)
            if answer > 0:
                children.add(answer)
        orders.send(marshal.dumps(answer))
        while modules:
            importlib.import_module(modules.pop())


def _start(order: dict[str, Any], descriptors: Sequence[int], orders: socket.socket) -> int:
    """Fork a child; its process id, or minus the error number."""
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError as error:
        return -(error.errno or 1)
    if child == 0:
        orders.close()  # a child that could give orders would not be confined
        _live(order | {"parent": parent}, descriptors)
    with contextlib.suppress(OSError):  # the child has done so itself, or has ended
        os.setpgid(child, child)
    for each in descriptors:
        os.close(each)
    return child


def _ended(child: int) -> int:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:
        return -signal.SIGKILL  # another launcher's, which died with it


def _end(children: Iterable[int]) -> None:
    """Kill whole families: those whom a child has forked do not die with it by themselves."""
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


def _live(order: dict[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """Be the child that was ordered: whatever happens, never the launcher."""
    status = 1
    try:
        os.setpgid(0, 0)
        os.chdir(order["directory"])
        for number, each in enumerate(descriptors, start=1):
            os.dup2(each, number)
            os.close(each)
        _become_what_was_ordered(order)
        sys.stdout.flush()
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _become_what_was_ordered(order: dict[str, Any]) -> None:
    """A ``program``, a Python ``module``, or none: then say which mechanisms the host granted.

    Files are opened and code is imported while they still can be read.
    """
    program = os.open(order["program"], os.O_RDONLY | os.O_CLOEXEC) if "program" in order else -1
    module: Any = importlib.import_module(order["module"]) if "module" in order else None
    granted = confine(order, program)
    if program >= 0:
        os.execve(program, order["argv"], {})  # noqa: S606 - by descriptor, no shell
    if module is None:
        print(*granted)
    else:
        module.main(order["argv"])


def confine(order: dict[str, Any], program: int) -> list[str]:
    """Give up everything the order does not need; return the mechanisms the host granted."""
    granted = []
    _die_with(order["parent"])
    uid: int | None = order["uid"]
    if _leave_network(root=uid is not None):
        granted.append("namespace")
    _yield_to_others()
    _limit(order["limits"])
    if uid is not None and _become(uid):
        granted.append("account")
    _die_with(order["parent"])  # a change of credentials had cleared it
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        granted.append("no_new_privileges")
    if _fence_files(program):
        granted.append("landlock")
    if _forbid_calls():
        granted.append("seccomp")
    return granted


def _die_with(parent: int) -> None:
    """End with the process that started us, even if that already happened."""
    _libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _leave_network(*, root: bool) -> bool:
    flags = CLONE_NEWNET if root else CLONE_NEWUSER | CLONE_NEWNET
    return bool(_libc.unshare(flags) == 0)


def _yield_to_others() -> None:
    """Answer requests before converting; be the first to go when memory runs out."""
    os.nice(10)
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        return


def _limit(limits: dict[str, int]) -> None:
    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (ceiling, ceiling))


def _become(uid: int) -> bool:
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except PermissionError:
        return False
    return True


def _fence_files(program: int) -> bool:
    """Landlock: only the working directory, the system's libraries and the program itself."""
    abi = _libc.syscall(LANDLOCK_CREATE, None, 0, 1)
    if abi < 1:
        return False
    every_right = (1 << LANDLOCK_RIGHTS.get(abi, 16)) - 1
    # handled_access_fs, handled_access_net (bind, connect), scoped (abstract sockets, signals)
    wanted = struct.pack("=QQQ", every_right, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    ruleset = _libc.syscall(LANDLOCK_CREATE, wanted, len(wanted) if abi >= 6 else 8, 0)
    if ruleset < 0:
        return False
    for path in READABLE:
        _allow(ruleset, path, EXECUTE | READ_FILE | READ_DIR)
    for device in ("/dev/null", "/dev/zero", "/dev/urandom"):
        _allow(ruleset, device, READ_FILE | WRITE_FILE)
    _allow(ruleset, ".", every_right)
    if program >= 0:
        _allow(ruleset, f"/proc/self/fd/{program}", EXECUTE | READ_FILE)
    restricted: bool = _libc.syscall(LANDLOCK_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return restricted


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not Path(path).is_dir():
        rights &= EXECUTE | READ_FILE | WRITE_FILE
    _libc.syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", rights, place), 0)
    os.close(place)


def _forbid_calls() -> bool:
    """Seccomp: refuse the calls above, whatever namespace or account we got."""
    machine = os.uname().machine
    if machine not in AUDIT_ARCH:
        return False
    program = _filter(machine)
    code = ctypes.create_string_buffer(program)
    header = ctypes.create_string_buffer(
        struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    )
    return bool(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0)


def _filter(machine: str) -> bytes:
    """Classic BPF over ``struct seccomp_data``: the call's number, architecture and arguments."""
    number, architecture, argument = 0, 4, 16  # offsets; the argument's lower half
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    steps: list[tuple[int, int, str, str]] = [
        (load, architecture, "", ""),
        (equal, AUDIT_ARCH[machine], "", "kill"),
        (load, number, "", ""),
        (at_least, 0x40000000, "refuse", ""),
        *((equal, each, "refuse", "") for each in FORBIDDEN[machine]),
        (equal, CLONE3, "missing", ""),
        (equal, PRLIMIT[machine], "prlimit", ""),
        (equal, CLONE[machine], "", "allow"),
        (load, argument, "", ""),
        (any_bit, NEW_NAMESPACES, "refuse", "allow"),
    ]
    ends = {"prlimit": len(steps)}
    steps += [(load, argument, "", ""), (equal, 0, "allow", "refuse")]  # of none but itself
    answers = {"allow": 0x7FFF0000, "kill": 0x80000000, "refuse": 0x00050001, "missing": 0x00050026}
    for name, value in answers.items():
        ends[name] = len(steps)
        steps.append((answer, value, "", ""))
    return b"".join(
        struct.pack("=HBBI", op, *(ends[to] - at - 1 if to else 0 for to in (then, otherwise)), k)
        for at, (op, k, then, otherwise) in enumerate(steps)
    )


if __name__ == "__main__":
    main()
