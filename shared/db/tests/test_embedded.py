"""The embedded server: private, gone with its parent, back after a crash, at home anywhere."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from shared.db import binaries
from shared.db.embedded import AlreadyRunning, EmbeddedPostgres, PostgresFailed

Started = Callable[[Path], Awaitable[EmbeddedPostgres]]

ROOT = Path(__file__).parents[3]

HOST = """
import asyncio, sys
from pathlib import Path
from shared.db.embedded import EmbeddedPostgres
async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
    await server.start()
    print(server.pid, server.admin_dsn(), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short path whose parent is closed to everyone else."""
    with tempfile.TemporaryDirectory(prefix="marquee-pg-", dir="/tmp") as directory:
        yield Path(directory) / "postgres"


@pytest.fixture
async def started() -> AsyncIterator[Started]:
    """Start the server of a directory; it is stopped after the test."""
    async with AsyncExitStack() as stack:

        async def start(directory: Path) -> EmbeddedPostgres:
            server = EmbeddedPostgres(directory, durable=False)
            await asyncio.wait_for(server.start(), 60)
            stack.push_async_callback(server.stop)
            return server

        yield start


async def query(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_data_outlives_a_restart(place: Path, started: Started) -> None:
    server = await started(place)
    await query(server.admin_dsn(), "create table kept as select 42 as answer")
    await server.stop()
    assert server.pid is None

    again = await started(place)
    assert await query(again.admin_dsn(), "select answer from kept") == 42


async def test_a_killed_server_comes_back_by_itself(place: Path, started: Started) -> None:
    server = await started(place)
    await query(server.admin_dsn(), "create table kept as select 42 as answer")
    killed = server.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)

    await until(lambda: server.pid not in (None, killed))
    async with asyncio.timeout(20):
        while not await answers(server):
            await asyncio.sleep(0.05)
    assert await query(server.admin_dsn(), "select answer from kept") == 42


async def answers(server: EmbeddedPostgres) -> bool:
    try:
        return bool(await query(server.dsn(), "select true"))
    except (OSError, asyncpg.PostgresError):
        return False


def host_process(place: Path) -> tuple[subprocess.Popen[str], int, str]:
    """A process of its own that runs the server; its pid and where the superuser connects."""
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(place)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert host.stdout is not None
    with host.stdout:
        line = host.stdout.readline()
    pid, dsn = line.split()
    return host, int(pid), dsn


async def test_the_server_is_gone_with_a_killed_parent_and_starts_again(
    place: Path, started: Started
) -> None:
    host, pid, dsn = host_process(place)
    await query(dsn, "create table kept as select 42 as answer")
    host.kill()
    host.wait(10)
    await until(lambda: not alive(pid), 10)

    server = await started(place)
    assert await query(server.admin_dsn(), "select answer from kept") == 42


async def test_a_successor_starts_at_once_while_the_old_server_is_busy(
    place: Path, started: Started
) -> None:
    host, pid, dsn = host_process(place)
    busy = asyncio.create_task(query(dsn, "select pg_sleep(60)"))
    await asyncio.sleep(0.1)
    host.kill()
    host.wait(10)

    server = await started(place)
    assert not alive(pid)
    assert await query(server.dsn(), "select 1") == 1
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await asyncio.wait_for(busy, 10)


async def test_an_orphan_is_stopped_by_the_next_start(place: Path, started: Started) -> None:
    server = await started(place)
    orphan = server.pid
    assert orphan is not None
    forget(server)

    again = await started(place)
    assert not alive(orphan)
    assert await query(again.dsn(), "select 1") == 1


def forget(server: EmbeddedPostgres) -> None:
    """Lose the server as a killed process would that the kernel did not watch."""
    assert server._keeper is not None
    server._keeper.cancel()
    server._keeper, server._process = None, None
    for descriptor in server._descriptors:
        os.close(descriptor)
    server._descriptors.clear()


def sleeper(uid: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], user=uid if os.geteuid() == 0 else None)


async def test_a_stale_pid_file_that_names_a_stranger_is_no_obstacle(
    place: Path, started: Started
) -> None:
    await (await started(place)).stop()
    owner = (place / "cluster").stat().st_uid
    stranger = sleeper(owner)
    try:
        pidfile = place / "cluster" / "postmaster.pid"
        pidfile.write_text(f"{stranger.pid}\n/proc/self/cwd\n0\n5432\n.\n\n0 0\nready   \n")
        os.chown(pidfile, owner, -1)

        server = await started(place)
        assert await query(server.dsn(), "select 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait(10)


async def test_a_second_instance_is_refused_at_once(place: Path, started: Started) -> None:
    server = await started(place)

    async with asyncio.timeout(1):
        with pytest.raises(AlreadyRunning, match="in use by another process"):
            await EmbeddedPostgres(place).start()

    assert await query(server.dsn(), "select 1") == 1


@pytest.mark.parametrize("name", ["with spaces, commas & 'quotes' %41", "x" * 200])
async def test_any_path_will_do(place: Path, started: Started, name: str) -> None:
    server = await started(place.parent / name / "postgres")

    assert await query(server.dsn(), "select current_user::text") == "marquee"


async def test_a_first_start_that_was_interrupted_is_done_over(
    place: Path, started: Started
) -> None:
    half = place / "cluster.new-abc"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    server = await started(place)
    assert await query(server.dsn(), "select 1") == 1
    assert not half.exists()


async def test_a_start_that_is_cancelled_leaves_nothing_running(
    place: Path, started: Started
) -> None:
    for delay in (0.01, 0.1, 0.2, 0.3):
        server = EmbeddedPostgres(place, durable=False)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.start(), delay)
        assert server.pid is None

    again = await started(place)
    assert await query(again.dsn(), "select 1") == 1


async def test_a_server_that_cannot_start_says_why_at_once(place: Path, started: Started) -> None:
    await (await started(place)).stop()
    (place / "cluster" / "PG_VERSION").write_text("9.6\n")

    async with asyncio.timeout(5):
        with pytest.raises(PostgresFailed, match=r"9\.6"):
            await EmbeddedPostgres(place, durable=False).start()


async def test_nobody_gets_in_without_a_password_and_the_files_are_private(
    place: Path, started: Started
) -> None:
    server = await started(place)

    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(server.admin_dsn().replace("postgres:", "postgres:wrong"), "select 1")
    assert stat.S_IMODE((place / "superuser-password").stat().st_mode) == 0o600
    assert stat.S_IMODE((place / "cluster").stat().st_mode) == 0o700
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert await query(server.admin_dsn(), "show listen_addresses") == ""


async def test_the_login_is_no_superuser(place: Path, started: Started) -> None:
    server = await started(place)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await query(server.dsn(), "create role intruder")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await query(server.dsn(), "create table public.mine ()")


async def test_power_loss_is_survived_unless_a_test_gives_that_up(place: Path) -> None:
    server = EmbeddedPostgres(place)
    await server.start()
    try:
        assert await query(server.admin_dsn(), "show fsync") == "on"
        assert await query(server.admin_dsn(), "show synchronous_commit") == "on"
    finally:
        await server.stop()


async def test_the_server_never_runs_as_root(place: Path, started: Started) -> None:
    server = await started(place)

    assert Path(f"/proc/{server.pid}").stat().st_uid == (place / "cluster").stat().st_uid
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


def test_programs_under_a_closed_directory_are_copied_once(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    programs = binaries._copy(binaries.installed(), cache)
    again = binaries._copy(binaries.installed(), cache)

    assert again == programs
    assert [path.name for path in cache.iterdir()] == [programs.parents[2].name]
    answer = subprocess.run(
        [programs / "initdb", "--version"], check=True, capture_output=True, text=True
    )
    assert answer.stdout.startswith("initdb (PostgreSQL) 18.")


def test_a_cache_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)

    with pytest.raises(binaries.NoPostgres, match="writable by nobody else"):
        binaries._copy(binaries.installed(), cache)


AS_SOMEONE = """
import asyncio, os, sys
from pathlib import Path
import asyncpg
from shared.db import binaries
from shared.db.embedded import EmbeddedPostgres

place, uid = Path(sys.argv[1]), int(sys.argv[2])
programs = binaries.readable_by_anyone()
binaries.installed = lambda: programs
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)

async def main():
    server = EmbeddedPostgres(place)
    for _ in range(2):
        await server.start()
        connection = await asyncpg.connect(server.dsn())
        print(Path(f"/proc/{server.pid}").stat().st_uid, await connection.fetchval("select 42"))
        await connection.close()
        await server.stop()

asyncio.run(main())
"""


def run_as(uid: int, place: Path) -> list[str]:
    """What a process says that gave up root before it ran the server."""
    place.mkdir()
    os.chown(place, uid, uid)
    place.parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", AS_SOMEONE, str(place), str(uid)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def may_have_no_name() -> bool:
    """Whether this kernel lets anyone map a uid, which a uid without a name needs."""
    command = ["setpriv", "--reuid=4242", "unshare", "-U", "--map-user=65534", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if os.geteuid() == 0:

    def test_an_ordinary_user_runs_it_too(place: Path) -> None:
        assert run_as(65534, place) == ["65534 42"] * 2

    if may_have_no_name():

        def test_a_user_without_a_name_runs_it_too(place: Path) -> None:
            assert run_as(4242, place) == ["4242 42"] * 2
