"""``kill -9`` in the middle of a conversion: it completes all the same, once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from harness.client import Client
from harness.clips import make_clip
from harness.events import check_once
from harness.launch import launched, working_in
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD
from harness.waiting import eventually

LONG_ENOUGH = 12.0
"""Seconds of video: conversion is still going on when the kill comes."""


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that takes some seconds to convert."""
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    return make_clip(path, seconds=LONG_ENOUGH, size="1280x720")


async def test_a_killed_process_leaves_nothing_and_its_conversion_completes_once(
    tmp_path: Path, http: aiohttp.ClientSession, long_clip: Path
) -> None:
    environment = {
        **ADMINISTRATOR,
        "MARQUEE_PORT": "0",
        "MARQUEE_DATA_DIR": str(tmp_path / "data"),
    }
    log = tmp_path / "log"

    async with launched(log=log, environment=environment) as first:
        client = Client(first.url, http)
        await client.log_in(EMAIL, PASSWORD)
        asset = await client.upload(long_clip)
        await _thumbnail_ready(client, asset["id"])
        await first.kill()

    async def gone() -> None:
        assert not working_in(tmp_path)

    await eventually(gone, within=5)

    async with launched(log=log, environment=environment) as second:
        client = Client(second.url, http)
        await client.log_in(EMAIL, PASSWORD)
        await client.completed(asset["id"])
        await check_once(client, asset["id"])
        assert await second.stop() == 0

    _check_files(tmp_path / "data", asset["id"])
    assert not working_in(tmp_path)


async def _thumbnail_ready(client: Client, ident: str) -> None:
    async with asyncio.timeout(30):
        while (await client.asset(ident))["thumbnail_url"] is None:
            await asyncio.sleep(0.02)
    assert (await client.asset(ident))["conversion_status"] == "processing"


def _check_files(data_dir: Path, ident: str) -> None:
    kept = [path for path in (data_dir / "blobs").rglob("*") if path.is_file()]
    blobs = [path for path in kept if "audit" not in path.parts]
    assert sorted(path.name for path in blobs) == sorted(
        [ident, "0.txt", "gif.gif", "mp4.mp4", "poster_best.jpg", "thumbnail.jpg", "webm.webm"]
    )
    left = [path for path in (data_dir / "work").rglob("*") if path.is_file()]
    assert [path for path in left if path.suffix != ".lock"] == []
