"""The launcher: makes its own process one that hostile input may have, then becomes the program.

Runs on its own (``python -I -S confine.py ORDER``), with nothing but the standard library, so that
nothing has to happen between fork and exec in the parent, and the program may lie in a directory
that the confined account cannot enter: it is opened before, and executed by its descriptor.

What the host refuses is left out; ``report`` tells which mechanisms it grants. Linux only; the
numbers below are its stable system call interface (x86-64 and arm64).
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import struct
import sys
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
    # userfaultfd, perf_event_open, io_uring_setup, setsid, setpgid: a way out, or away from the
    # process group by which the whole family is ended
    "x86_64": (41, 53, 101, 310, 311, 272, 308, 165, 321, 250, 323, 298, 425, 112, 109),
    "aarch64": (198, 199, 117, 270, 271, 97, 268, 40, 280, 219, 282, 241, 425, 157, 154),
}

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # ABI -> how many rights it knows; later ones: 16
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
READABLE = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/sys/devices/system")


def main() -> NoReturn:
    """Carry out the order given as JSON: ``report``, a ``program``, or a Python ``module``."""
    order = json.loads(sys.argv[1])
    program = os.open(order["program"], os.O_RDONLY | os.O_CLOEXEC) if "program" in order else -1
    module = _load(order) if "module" in order else None
    granted = confine(order, program)
    if program >= 0:
        os.execve(program, order["argv"], {})  # noqa: S606 - by descriptor, no shell
    if module is not None:
        sys.exit(module.main(order["argv"]))
    print(json.dumps(granted))
    sys.exit(0)


def _load(order: dict[str, Any]) -> Any:
    """Import while files can still be read."""
    sys.path.append(order["path"])
    return importlib.import_module(order["module"])


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
        with open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123 - pathlib costs 10 ms
            score.write("1000")
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
    if not os.path.isdir(path):  # noqa: PTH112 - pathlib costs 10 ms
        rights &= EXECUTE | READ_FILE | WRITE_FILE
    _libc.syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", rights, place), 0)
    os.close(place)


def _forbid_calls() -> bool:
    """Seccomp: refuse the calls above with EPERM, whatever namespace or account we got."""
    machine = os.uname().machine
    if machine not in AUDIT_ARCH:
        return False
    program = _filter(AUDIT_ARCH[machine], FORBIDDEN[machine])
    code = ctypes.create_string_buffer(program)
    header = ctypes.create_string_buffer(
        struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    )
    return bool(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0)


def _filter(arch: int, forbidden: tuple[int, ...]) -> bytes:
    """Classic BPF over ``struct seccomp_data``: call number at offset 0, architecture at 4."""
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050001
    steps = [(load, 0, 0, 4), (equal, 1, 0, arch), (answer, 0, 0, kill), (load, 0, 0, 0)]
    tests = [(at_least, 0x40000000), *((equal, number) for number in forbidden)]
    steps += [(op, len(tests) - at, 0, k) for at, (op, k) in enumerate(tests)]
    steps += [(answer, 0, 0, allow), (answer, 0, 0, refuse)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


if __name__ == "__main__":
    main()
