"""The program itself, while a part is away: it lives, says so, and lets itself be stopped."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import pytest

from shared.testing.fixtures import OpenDatabases
from shared.testing.rabbit import free_ports

NOWHERE = "127.0.0.1:9"
SECRETS = ("hunter2", "k" * 32)


async def test_a_wrong_address_is_told_and_asked_again(tmp_path: Path) -> None:
    database = f"postgresql://nobody:hunter2@{NOWHERE}/none"
    async with started(tmp_path, MARQUEE_DATABASE_URL=database) as (http, log):
        told = await _readiness(http, unlike=None)
        assert told == (503, {"status": "starting", "down": ["database"]})
        while log.read_text().count("part_awaited") < 2:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("wrong", ["login", "database"])
async def test_what_the_server_does_not_know_is_told_and_asked_again(
    tmp_path: Path, databases: OpenDatabases, wrong: str
) -> None:
    """Though who migrates is known to it."""
    opened = await databases("identity")
    parts = urlsplit(opened.dsn)
    host = parts.netloc.rpartition("@")[2]
    changed = {
        "login": parts._replace(netloc=f"nobody:hunter2@{host}"),
        "database": parts._replace(path="/nowhere"),
    }[wrong]
    urls = {
        "MARQUEE_DATABASE_URL": urlunsplit(changed),
        "MARQUEE_DATABASE_ADMIN_URL": opened.admin_dsn,
    }
    async with started(tmp_path, **urls) as (http, log):
        told = await _readiness(http, unlike=None)
        assert told == (503, {"status": "starting", "down": ["database"]})
        while log.read_text().count("part_awaited") < 2:
            await asyncio.sleep(0.05)
        assert {"login": "nobody", "database": "nowhere"}[wrong] in log.read_text()


async def test_a_wrong_broker_is_told_and_asked_again(
    tmp_path: Path, databases: OpenDatabases
) -> None:
    opened = await databases("identity")
    urls = {"MARQUEE_DATABASE_URL": opened.dsn, "MARQUEE_DATABASE_ADMIN_URL": opened.admin_dsn}
    async with started(tmp_path, **urls) as (http, log):
        told = await _readiness(http, unlike="starting")
        assert told == (200, {"status": "degraded", "down": ["bus"]})
        while log.read_text().count("broker_lost") < 4:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"MARQUEE_SECRET_KEY": ""}, "MARQUEE_SECRET_KEY: required once the database"),
        ({"MARQUEE_SECRET_KEY": "short"}, "MARQUEE_SECRET_KEY: takes at least 32 characters"),
        ({"MARQUEE_AMQP_URL": ""}, "MARQUEE_AMQP_URL: required to run services in processes"),
        ({"MARQUEE_DATA_DIR": "/proc/nowhere"}, "MARQUEE_DATA_DIR: takes a directory"),
        ({"MARQUEE_LOGIN_RATE": "soon"}, "MARQUEE_LOGIN_RATE: "),
        ({"MARQUEE_ADMIN_PASSWORD_FILE": "/nowhere"}, "MARQUEE_ADMIN_PASSWORD_FILE: cannot read"),
    ],
)
async def test_a_wrong_setting_ends_the_start_with_its_name(
    tmp_path: Path, databases: OpenDatabases, changed: dict[str, str], said: str
) -> None:
    opened = await databases("identity")
    urls = {"MARQUEE_DATABASE_URL": opened.dsn, "MARQUEE_DATABASE_ADMIN_URL": opened.admin_dsn}
    process, log = await _start(tmp_path, 0, urls | changed)
    async with asyncio.timeout(60):
        assert await process.wait() == 1
    lines = log.read_text().splitlines()
    assert any(line.startswith(f"marquee: {said}") for line in lines), lines
    assert "Traceback" not in log.read_text()


@asynccontextmanager
async def started(
    directory: Path, **environment: str
) -> AsyncIterator[tuple[aiohttp.ClientSession, Path]]:
    """A process of a service, which is stopped at the end, and its log; it tells no secret."""
    (port,) = free_ports(1)
    process, log = await _start(directory, port, environment)
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            yield http, log
        process.terminate()
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert "Traceback" not in log.read_text()
    assert not [secret for secret in SECRETS if secret in log.read_text()]


async def _start(
    directory: Path, port: int, environment: Mapping[str, str]
) -> tuple[asyncio.subprocess.Process, Path]:
    common = {
        "MARQUEE_AMQP_URL": f"amqp://nobody:hunter2@{NOWHERE}/",
        "MARQUEE_SECRET_KEY": "k" * 32,
        "MARQUEE_AUDIT_SIGNING_KEY": "k" * 32,
        "MARQUEE_DATA_DIR": str(directory),
        "MARQUEE_SERVICE_PORT": str(port),
    }
    log = directory / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", "identity"),
            cwd=Path(__file__).parents[3],
            env={**os.environ, **common, **environment},
            stdout=output,
            stderr=output,
        )
    return process, log


async def _readiness(http: aiohttp.ClientSession, *, unlike: str | None) -> tuple[int, object]:
    while True:
        try:
            async with http.get("/readyz") as answer:
                told = await answer.json()
                if told["status"] != unlike:
                    return answer.status, told
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.05)
