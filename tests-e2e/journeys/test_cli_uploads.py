"""Uploads by the command line go on where they stopped, whoever it was that stopped them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from harness.cli import Line, Marquee, Ran, line_to
from harness.client import Client
from harness.fleet import free_port
from harness.launch import Process, launched
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD, Product
from harness.waiting import eventually

SIZE = 20_000_000  # more than the server takes before it makes some safe


@pytest.fixture
def film(clip: Path, tmp_path: Path) -> Path:
    """A clip that nobody else has, padded by a box that players pass over."""
    path = tmp_path / "long film.mp4"
    content = clip.read_bytes()
    padding = uuid4().bytes + bytes(SIZE - len(content) - 24)
    path.write_bytes(content + (len(padding) + 8).to_bytes(4) + b"free" + padding)
    return path


def check_whole(ran: Ran, film: Path) -> None:
    """One asset came of it, and it is the file."""
    [item] = ran.json["items"]
    assert item["asset"]["sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()
    assert item["asset"]["title"] == film.stem


async def begin(
    marquee: Marquee, line: Line, film: Path, client: Client
) -> asyncio.subprocess.Process:
    """Begin an upload that gets stuck half-way, when some of it is safe."""
    line.room = SIZE // 2
    process = await marquee.start("assets", "upload", film, "-o", "json")
    await asyncio.wait_for(line.stuck.wait(), 60)
    [note] = marquee.home.rglob("uploads/*.json")
    path = json.loads(note.read_text())["upload"]

    async def safe() -> None:
        speaks = {"Tus-Resumable": "1.0.0"}
        assert (await client.call("GET", path, expect=200, headers=speaks))["offset"] > 0

    await eventually(safe, within=60)
    return process


async def check_goes_on(marquee: Marquee, film: Path) -> None:
    """The same command goes on behind the beginning; given once more, it begins anew."""
    ran = await marquee("assets", "upload", film, "-o", "json")
    [percent] = re.findall(r"going on at (\d+) %", ran.told)
    assert 20 <= int(percent) <= 60
    check_whole(ran, film)
    again = await marquee("assets", "upload", film, "-o", "json")
    assert "going on" not in again.told
    assert again.json["items"][0]["asset"]["id"] != ran.json["items"][0]["asset"]["id"]


async def test_a_terminal_shows_how_fast_it_is_and_how_long_it_takes(
    product: Product, tmp_path: Path, film: Path
) -> None:
    marquee = Marquee(product.client.url, tmp_path, product.client.token)
    ran = await marquee.at_terminal("assets", "upload", film, "--wait", "-o", "json")
    assert ran.code == 0, ran
    check_whole(ran, film)
    assert re.search(r"/20.0 MB", ran.told)
    assert re.search(r"\d MB/s", ran.told)
    assert re.search(r"0:00:\d\d", ran.told)
    assert f"{film.name}: completed" in ran.told


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
async def test_it_goes_on_after_the_client_was_ended(
    product: Product, tmp_path: Path, film: Path, end: signal.Signals
) -> None:
    async with line_to(product.client.url) as line:
        marquee = Marquee(line.url, tmp_path, product.client.token)
        process = await begin(marquee, line, film, product.client)

        process.send_signal(end)

        _, told = await asyncio.wait_for(process.communicate(), 60)
        if end is signal.SIGINT:
            assert process.returncode == 130, told.decode()
            assert told.endswith(b"the same command goes on from here.\n")
        line.open()
        await check_goes_on(marquee, film)


async def test_it_waits_for_a_server_that_was_killed(
    http: aiohttp.ClientSession, tmp_path: Path, film: Path
) -> None:
    environment = {
        **ADMINISTRATOR,
        "MARQUEE_PORT": str(free_port()),
        "MARQUEE_DATA_DIR": str(tmp_path / "data"),
        "MARQUEE_PROBE_SECONDS": "10",
    }
    async with AsyncExitStack() as stack:

        async def server() -> str:
            started = launched(log=tmp_path / "log", environment=environment)
            running.append(await stack.enter_async_context(started))
            return running[-1].url

        running: list[Process] = []
        client = Client(await server(), http)
        await client.log_in(EMAIL, PASSWORD)
        line = await stack.enter_async_context(line_to(client.url))
        marquee = Marquee(line.url, tmp_path, client.token)
        process = await begin(marquee, line, film, client)

        await running[0].kill()
        line.open()
        await server()

        out, told = await asyncio.wait_for(process.communicate(), 120)
        ran = Ran(process.returncode or 0, out.decode(), told.decode())
        assert ran.code == 0, ran
        assert "Trying again" in ran.told
        assert "Traceback" not in ran.told
        check_whole(ran, film)


async def test_a_file_that_changes_meanwhile_is_noticed(
    product: Product, tmp_path: Path, film: Path
) -> None:
    async with line_to(product.client.url) as line:
        marquee = Marquee(line.url, tmp_path, product.client.token)
        process = await begin(marquee, line, film, product.client)
        content = bytearray(film.read_bytes())
        content[SIZE // 4] ^= 1  # which the server has by now
        film.write_bytes(content)

        line.drop()

        out, told = await asyncio.wait_for(process.communicate(), 120)
        ran = Ran(process.returncode or 0, out.decode(), told.decode())
        assert ran.code == 1, ran
        assert "was changed while it was uploaded" in ran.told
