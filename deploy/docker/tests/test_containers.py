"""The production shape in containers: it is healthy, shares the work, and survives its parts."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from harness.client import Client, Json
from harness.clips import make_clip
from harness.containers import PARTS, PROJECT, WORKERS, Stack, administrator, docker, state
from harness.journey import assign_and_undo, travel, verify
from harness.waiting import eventually

OURS = (
    *("gateway", "identity", "converter", "converter-worker"),
    *("assignment", "audit", "notifier"),
)

pytestmark = pytest.mark.timeout(600)


async def all_well(stack: Stack, *, within: float = 180) -> None:
    """Wait until every container is healthy."""

    async def well() -> None:
        states = {each["Name"]: state(each) for each in stack.containers()}
        migrated = [states.pop(name) for name in list(states) if "migrate" in name]
        assert set(states.values()) == {"healthy"}, states
        assert set(migrated) <= {"exited"}, migrated

    await eventually(well, within=within)


async def test_everything_is_healthy(stack: Stack) -> None:
    await all_well(stack)
    services = [
        each["Config"]["Labels"]["com.docker.compose.service"] for each in stack.containers()
    ]
    assert sorted(services) == sorted(
        [*OURS, *PARTS, "migrate", *["converter-worker"] * (WORKERS - 1)]
    )
    (migrated,) = stack.containers("migrate")
    assert migrated["State"]["ExitCode"] == 0


def test_nobody_is_root_or_writes_where_they_should_not(stack: Stack) -> None:
    for service in OURS:
        for container in stack.containers(service):
            host = container["HostConfig"]
            assert container["Config"]["User"] == "10001:10001"
            assert host["ReadonlyRootfs"]
            assert host["CapDrop"] == ["ALL"]
            name = container["Name"].lstrip("/")
            status = dict(
                line.split(":\t", 1)
                for line in docker("exec", name, "cat", "/proc/1/status").splitlines()
            )
            assert status["Name"] == "tini"
            assert status["Uid"].split()[0] == "10001"
            assert int(status["CapEff"], 16) == 0
            assert status["NoNewPrivs"] == "1"


def test_the_image_says_what_it_is_and_has_nothing_to_build_with(stack: Stack) -> None:
    (container,) = stack.containers("gateway")
    image = json.loads(docker("image", "inspect", container["Image"]))[0]
    labels = {
        name.removeprefix("org.opencontainers.image."): value
        for name, value in image["Config"]["Labels"].items()
    }
    told = docker("exec", container["Name"].lstrip("/"), "python", "-m", "services", "--version")
    assert told.split() == ["marquee", labels["version"]]
    assert {"title", "description", "revision", "created"} <= labels.keys()
    look = "import shutil, sys; print([n for n in sys.argv[1:] if shutil.which(n)])"
    tools = ("gcc", "cc", "make", "node", "npm", "git", "uv")
    found = docker("exec", container["Name"].lstrip("/"), "python", "-c", look, *tools)
    assert found.strip() == "[]"


async def test_the_console_is_there(stack: Stack, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{stack.url}/") as page:
        assert page.status == 200
        assert "/static/" in await page.text()


async def test_one_upload_travels_the_whole_way(client: Client, clip: Path) -> None:
    await travel(client, clip, partial(asyncio.sleep, 30.1))


async def test_three_workers_share_the_work(stack: Stack, client: Client, tmp_path: Path) -> None:
    films = [make_clip(tmp_path / f"{n}.mp4", seconds=2 + n / 10) for n in range(16)]
    assets = await asyncio.gather(*(client.upload(film) for film in films))
    for asset in assets:
        await client.completed(asset["id"], within=500)
    done = [_converted(each) for each in stack.containers("converter-worker")]
    assert len(done) == WORKERS
    assert min(done) >= 2, done


def _converted(container: Any) -> int:
    """How many conversions a container has completed, by its own figures."""
    ask = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8080/metrics').read().decode())"
    figures = docker("exec", container["Name"].lstrip("/"), "python", "-c", ask).splitlines()
    return sum(
        int(float(line.split()[-1]))
        for line in figures
        if line.startswith("marquee_conversions_total") and 'outcome="completed"' in line
    )


@pytest.mark.parametrize("service", [*OURS, *PARTS])
async def test_one_that_crashes_comes_back_by_itself(
    stack: Stack, client: Client, tmp_path: Path, service: str
) -> None:
    asset = await client.upload(make_clip(tmp_path / "film.mp4", seconds=6, size="1280x720"))
    victim = stack.containers(service)[0]

    _crash(victim)

    async def back() -> None:
        (now,) = [each for each in stack.containers(service) if each["Id"] == victim["Id"]]
        assert now["RestartCount"] > victim["RestartCount"]

    await eventually(back, within=30)
    await all_well(stack)
    await _goes_on(client, asset["id"])


@pytest.mark.parametrize("service", [*OURS, *PARTS])
async def test_one_that_was_killed_by_hand_is_missed_by_nobody_else(
    stack: Stack, client: Client, tmp_path: Path, service: str
) -> None:
    """Docker takes ``docker kill`` for an operator's wish, and leaves it to them to start it."""
    asset = await client.upload(make_clip(tmp_path / "film.mp4", seconds=6, size="1280x720"))
    victim = stack.containers(service)[0]
    others = _restarts(stack, victim)

    docker("kill", victim["Id"])
    await asyncio.sleep(5)
    docker("start", victim["Id"])

    await all_well(stack)
    await _goes_on(client, asset["id"])
    assert _restarts(stack, victim) == others


async def test_all_is_back_after_the_volumes_were_lost(
    stack: Stack, client: Client, clip: Path, tmp_path: Path
) -> None:
    await client.completed((await client.upload(clip))["id"])
    seen = await _seen(client)
    stack.maintain(tmp_path, "backup", "/backups/monday")
    stack.make("down")
    docker("volume", "rm", *(f"{PROJECT}_{part}" for part in PARTS))

    stack.maintain(tmp_path, "restore", "/backups/monday")
    stack.up()

    await all_well(stack)
    await client.log_in(*administrator())
    await verify(client)
    assert await _seen(client) == seen


async def _seen(client: Client) -> list[list[str]]:
    """The ids of what there is, and what the trail says."""
    pages = [
        await client.get(f"/api/admin/{what}", limit=500) for what in ("assets", "users", "audit")
    ]
    return [sorted(each["id"] for each in page["items"]) for page in pages]


def _restarts(stack: Stack, victim: Any) -> dict[str, int]:
    """How often all but one were started again."""
    others = (each for each in stack.containers() if each["Id"] != victim["Id"])
    return {each["Name"]: each["RestartCount"] for each in others}


def _crash(container: Any) -> None:
    """End its first process as the kernel would that is out of memory."""
    docker(
        *("run", "--rm", "--pid=host", "--user=0", "--entrypoint=python"),
        *("--network=none", "marquee:dev", "-c"),
        f"import os; os.kill({container['State']['Pid']}, 9)",
    )


async def _goes_on(client: Client, ident: str) -> None:
    """What was under way is finished; and all else can be done."""
    asset = await client.completed(ident, within=240)
    users: list[Json] = []

    async def made() -> None:
        users.append(await client.create_user(f"{uuid4().hex}@example.com"))

    await eventually(made, within=30)
    await eventually(partial(assign_and_undo, client, asset, users[0]), within=30)
    await verify(client)
