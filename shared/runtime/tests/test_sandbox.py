"""Confined children: what they cannot do, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.runtime.launcher import ROOT
from shared.runtime.sandbox import PROTECTION, Finished, Limits, Module, Program, Sandbox

SHELL = Path("/bin/sh").resolve()
LIMITS = Limits(memory=2**30, cpu_seconds=10, file_bytes=2**20)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    made = Sandbox()
    yield made
    await made.close()


@pytest.fixture(params=["an account of its own", "our own account"])
def confined(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sandbox:
    """Started as root, and as anybody: in a container, say."""
    if request.param == "our own account":
        sandbox._account = None
    return sandbox


@pytest.fixture
def place(tmp_path: Path, sandbox: Sandbox) -> Path:
    directory = tmp_path / "place"
    directory.mkdir()
    sandbox.hand_over(directory)
    return directory


async def shell(
    sandbox: Sandbox, place: Path, script: str, *, seconds: float = 10, limits: Limits = LIMITS
) -> Finished:
    async with asyncio.timeout(30):
        return await sandbox.run(
            Program(SHELL, ["-c", script]), place, limits, seconds=seconds, grace=0.3
        )


def alive(marker: str) -> list[int]:
    """Processes whose command line holds ``marker``, zombies included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if marker.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


async def soon(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


async def test_the_host_grants_or_the_gauge_says_so(sandbox: Sandbox, place: Path) -> None:
    missing = await sandbox.inspect(place)
    for protection in ("network", "files", "syscalls"):
        value = PROTECTION.labels(protection)._value.get()
        assert value == (0 if protection in missing else 1)


REFUSE = {
    "x86_64": {"landlock": 444, "unshare": 272, "prctl": 157},
    "aarch64": {"landlock": 444, "unshare": 97, "prctl": 167},
}
"""System calls by which the protections are had; an old or strict host refuses them."""

POORER_HOST = """
import asyncio, json, os, sys
from pathlib import Path
from shared.runtime import confine
from shared.runtime.sandbox import PROTECTION, Limits, Program, Sandbox

refused, script = json.loads(sys.argv[1]), sys.argv[2:]
confine._libc.prctl(confine.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
confine.FORBIDDEN[os.uname().machine] = refused
assert confine._forbid_calls()
place, sandbox = Path.cwd(), Sandbox()
if not script:
    sandbox._account = None  # as when root did not start us
missing = asyncio.run(sandbox.inspect(place))
gauges = {name: PROTECTION.labels(name)._value.get() for name in ("network", "files", "syscalls")}
limits = Limits(memory=2**30, cpu_seconds=5, file_bytes=0)
program = Program(Path("/bin/sh").resolve(), ["-c", *(script or ["echo it runs"])])
ran = asyncio.run(sandbox.run(program, place, limits, seconds=10))
print(json.dumps([sorted(missing), gauges, ran.output.decode() + ran.log]))
"""


async def poorer_host(place: Path, *refused: str, script: Sequence[str] = ()) -> tuple[Any, str]:
    """What a process says that runs where some system calls are refused, and what it logs."""
    numbers = [REFUSE[os.uname().machine][name] for name in refused]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", POORER_HOST, json.dumps(numbers), *script),
        cwd=place,
        env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    *logged, last = said.decode().splitlines()
    assert process.returncode == 0, said.decode()
    return json.loads(last), "\n".join(logged)


async def test_what_a_host_refuses_is_told_and_programs_run_all_the_same(place: Path) -> None:
    (missing, gauges, said), logged = await poorer_host(place, "landlock", "unshare", "prctl")
    assert missing == ["files", "network", "syscalls"]
    assert gauges == {"files": 0, "network": 0, "syscalls": 0}
    assert "sandbox_degraded" in logged
    assert said == "it runs\n"


async def test_output_and_errors_come_back(sandbox: Sandbox, place: Path) -> None:
    finished = await shell(sandbox, place, "echo out; echo err >&2; exit 3")
    assert finished == Finished(3, False, b"out\n", "err\n")


async def test_the_environment_is_empty(sandbox: Sandbox, place: Path) -> None:
    os.environ["MARQUEE_CANARY"] = "secret"
    try:
        finished = await shell(sandbox, place, "cat /proc/self/environ; echo $MARQUEE_CANARY")
    finally:
        del os.environ["MARQUEE_CANARY"]
    assert b"secret" not in finished.output


async def test_only_its_own_directory_is_writable(
    confined: Sandbox, place: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    finished = await shell(confined, place, f"echo mine > file; cat file {secret}; touch ../other")
    assert finished.output.startswith(b"mine\n")
    got_out = b"canary" in finished.output or (tmp_path / "other").exists()
    assert got_out == ("files" in await confined.inspect(place)), "it cannot, or that is told"


async def test_there_is_no_network(confined: Sandbox, place: Path) -> None:
    async def never(*_: object) -> None:
        pytest.fail("something connected")

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bash = Path("/bin/bash").resolve()
    async with server:
        finished = await confined.run(
            Program(bash, ["-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"]), place, LIMITS, seconds=10
        )
    assert finished.status != 0


async def test_nobody_s_environment_can_be_read(confined: Sandbox, place: Path) -> None:
    for pid in (os.getpid(), os.getppid()):
        finished = await shell(confined, place, f"cat /proc/{pid}/environ")
        assert (finished.output != b"") == ("files" in await confined.inspect(place))


ESCAPES = {
    "a namespace by clone": "libc.syscall({clone}, 0x10000000 | 17, 0, 0, 0, 0)",
    "a namespace by clone3": "libc.syscall(435, 0, 0)",
    "a namespace by unshare": "libc.unshare(0x10000000)",
    "a socket": "libc.socket(2, 1, 0)",
    "another session": "libc.setsid()",
    "a signal to our service": "libc.kill({service}, 0)",
    "a limit of our service": "libc.prlimit({service}, 7, 0, 0)",
    "the memory of our service": "libc.ptrace(16, {service}, 0, 0)",
    "a descriptor of our service": "libc.syscall(438, libc.syscall(434, {service}, 0), 0, 0)",
}
NUMBERS = {"x86_64": {"clone": 56}, "aarch64": {"clone": 220}}


@pytest.mark.parametrize("attempt", ESCAPES)
async def test_calls_that_lead_out_are_refused(
    confined: Sandbox, place: Path, attempt: str
) -> None:
    call = ESCAPES[attempt].format(service=os.getpid(), **NUMBERS[os.uname().machine])
    script = (
        f"import ctypes, os; me = os.getpid(); libc = ctypes.CDLL(None, use_errno=True)\n{call}"
    )
    script += "\nif os.getpid() == me: print(ctypes.get_errno())"
    python = Program(Path(sys.executable).resolve(), ["-I", "-S", "-c", script])
    finished = await confined.run(python, place, LIMITS, seconds=10)
    wanted = errno.ENOSYS if attempt.endswith("clone3") else errno.EPERM
    assert finished.output.decode().split() == [str(wanted)], finished


async def test_without_landlock_a_child_still_cannot_end_others(
    place: Path, sandbox: Sandbox
) -> None:
    """Those of other conversions have the same account."""
    other = asyncio.ensure_future(shell(sandbox, place, "sleep 17.3205; true", seconds=20))
    await soon(lambda: len(alive("17.3205")) >= 2)
    victim = max(alive("17.3205"))
    script = ["for n in 0 9; do kill -$n $0 && echo done; done; true", str(victim)]
    (missing, _, said), _ = await poorer_host(place, "landlock", script=script)
    assert missing == []
    assert "done" not in said
    assert victim in alive("17.3205")
    other.cancel()
    await asyncio.wait([other])


async def test_memory_ends_at_its_limit(sandbox: Sandbox, place: Path) -> None:
    limits = replace(LIMITS, memory=200 * 2**20)
    python = Path(sys.executable).resolve()
    hungry = Program(python, ["-I", "-S", "-c", "held = bytearray(400 << 20)"])
    finished = await sandbox.run(hungry, place, limits, seconds=10)
    assert (finished.status, finished.timed_out) == (1, False)
    assert "MemoryError" in finished.log


async def test_processor_time_ends_at_its_limit(sandbox: Sandbox, place: Path) -> None:
    finished = await shell(
        sandbox, place, "while :; do :; done", limits=replace(LIMITS, cpu_seconds=1), seconds=20
    )
    assert not finished.timed_out
    assert finished.status in (-signal.SIGXCPU, -signal.SIGKILL)


async def test_no_file_grows_beyond_its_limit(sandbox: Sandbox, place: Path) -> None:
    finished = await shell(sandbox, place, "head -c 3000000 /dev/zero > large")
    assert finished.status != 0
    assert (place / "large").stat().st_size == LIMITS.file_bytes


async def test_floods_of_output_are_read_and_forgotten(sandbox: Sandbox, place: Path) -> None:
    finished = await shell(sandbox, place, "head -c 100000000 /dev/zero >&2; echo last >&2")
    assert finished.status == 0
    assert len(finished.log) == 65536
    assert finished.log.endswith("last\n")


async def test_a_grandchild_that_holds_the_pipes_ends_with_its_parent(
    sandbox: Sandbox, place: Path
) -> None:
    started = time.monotonic()
    finished = await shell(sandbox, place, "sleep 31.4159 & echo left; exit 0")
    assert finished.output == b"left\n"
    assert time.monotonic() - started < 5
    await soon(lambda: not alive("31.4159"))


async def test_a_child_that_will_not_end_is_killed(sandbox: Sandbox, place: Path) -> None:
    finished = await shell(
        sandbox, place, "trap '' TERM; while :; do sleep 27.1828; done", seconds=0.3
    )
    assert finished.timed_out
    assert finished.status == -signal.SIGKILL
    await soon(lambda: not alive("27.1828"))


async def test_a_stopped_child_is_killed(sandbox: Sandbox, place: Path) -> None:
    running = asyncio.ensure_future(shell(sandbox, place, "sleep 22.3606; true", seconds=1.5))
    await soon(lambda: len(alive("22.3606")) >= 2)
    for each in alive("22.3606"):
        os.kill(each, signal.SIGSTOP)
    finished = await running
    assert finished.timed_out
    assert finished.status == -signal.SIGKILL


async def test_cancelling_the_caller_ends_the_family(sandbox: Sandbox, place: Path) -> None:
    running = asyncio.ensure_future(shell(sandbox, place, "sleep 16.1803 & sleep 16.1803"))
    await soon(lambda: len(alive("16.1803")) >= 3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await soon(lambda: not alive("16.1803"))


async def test_no_descriptor_leaks(sandbox: Sandbox, place: Path) -> None:
    await shell(sandbox, place, "true")  # the first starts the launcher
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        await shell(sandbox, place, "true")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


ORPHANING = """
import asyncio, sys
from pathlib import Path
from shared.runtime.sandbox import Limits, Program, Sandbox
asyncio.run(Sandbox().run(
    Program(Path("/bin/sh").resolve(), ["-c", f"sleep {141421 / 10000} & wait"]), Path(sys.argv[1]),
    Limits(memory=2**30, cpu_seconds=10, file_bytes=0), seconds=60))
"""


async def test_children_die_with_us(place: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORPHANING, str(place), cwd=ROOT
    )
    try:
        await soon(lambda: len(alive("14.1421")) == 2)
    finally:
        parent.kill()
        await parent.wait()
    await soon(lambda: not alive("14.1421"))


def launcher_of(sandbox: Sandbox) -> int:
    """Its process id."""
    process = sandbox._launcher._process
    assert process is not None
    return process.pid


async def test_a_module_is_confined_as_a_program_is(place: Path, tmp_path: Path) -> None:
    """It is forked from a process that is not: so it must have lost what that has."""
    sandbox = Sandbox("shared.runtime.tests.nosy")
    try:
        told = {}
        for attempt in ("orders", "files", "socket", "environment"):
            child = Module("shared.runtime.tests.nosy", (attempt, str(tmp_path)))
            finished = await sandbox.run(child, place, LIMITS, seconds=10)
            told[attempt] = finished.output.decode().strip()
        assert told == {
            "orders": "[]",
            "files": "refused",
            "socket": "refused",
            "environment": "[]",
        }
    finally:
        await sandbox.close()


async def test_when_the_launcher_dies_its_children_do_and_another_is_started(
    sandbox: Sandbox, place: Path
) -> None:
    running = asyncio.ensure_future(shell(sandbox, place, "exec sleep 12.2474", seconds=20))
    await soon(lambda: len(alive("12.2474")) == 1)
    os.kill(launcher_of(sandbox), signal.SIGKILL)
    finished = await running
    assert (finished.status, finished.timed_out) == (-signal.SIGKILL, False)
    assert (await shell(sandbox, place, "echo again")).output == b"again\n"


async def test_closing_ends_all_children(sandbox: Sandbox, place: Path) -> None:
    running = asyncio.ensure_future(shell(sandbox, place, "sleep 13.4164 & wait", seconds=20))
    await soon(lambda: len(alive("13.4164")) == 2)
    await sandbox.close()
    assert (await running).status == -signal.SIGKILL
    await soon(lambda: not alive("13.4164"))
