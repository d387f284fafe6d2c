"""Confined children: what they cannot do, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.runtime.sandbox import PROTECTION, ROOT, Finished, Limits, Program, Sandbox

SHELL = Path("/bin/sh").resolve()
LIMITS = Limits(memory=2**30, cpu_seconds=10, file_bytes=2**20)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


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
    sandbox: Sandbox, place: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    finished = await shell(sandbox, place, f"echo mine > file; cat file {secret}; touch ../other")
    assert finished.output == b"mine\n"
    assert finished.status != 0
    assert not (tmp_path / "other").exists()


async def test_there_is_no_network(sandbox: Sandbox, place: Path) -> None:
    async def never(*_: object) -> None:
        pytest.fail("something connected")

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bash = Path("/bin/bash").resolve()
    async with server:
        finished = await sandbox.run(
            Program(bash, ["-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"]), place, LIMITS, seconds=10
        )
    assert finished.status != 0


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
    finished = await shell(sandbox, place, "kill -STOP $$", seconds=0.3)
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
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        await shell(sandbox, place, "true")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


ORPHANING = """
import asyncio, sys
from pathlib import Path
from shared.runtime.sandbox import Limits, Program, Sandbox
asyncio.run(Sandbox().run(
    Program(Path("/bin/sleep").resolve(), ["14.1421"]), Path(sys.argv[1]),
    Limits(memory=2**30, cpu_seconds=10, file_bytes=0), seconds=60))
"""


async def test_children_die_with_us(place: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORPHANING, str(place), cwd=ROOT
    )
    try:
        await soon(lambda: len(alive("14.1421")) == 1)
    finally:
        parent.kill()
        await parent.wait()
    await soon(lambda: not alive("14.1421"))
