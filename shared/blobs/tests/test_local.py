"""Blobs in a directory."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.blobs.local import LocalBlobs
from shared.blobs.port import BlobNotFound, InvalidKey, StorageUnavailable
from shared.testing.blob_conformance import KEY, BlobConformance, write

PUT = """
import asyncio, sys
from pathlib import Path
from shared.blobs.local import LocalBlobs

asyncio.run(LocalBlobs(Path(sys.argv[1])).put(sys.argv[2], Path(sys.argv[3]), content_type="x/y"))
"""


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[LocalBlobs]:
    """An empty store."""
    store = LocalBlobs(tmp_path / "blobs")
    await store.open()
    yield store
    await store.close()


class TestLocalBlobs(BlobConformance):
    """The port on a directory."""


async def test_a_put_killed_half_way_shows_nothing(blobs: LocalBlobs, tmp_path: Path) -> None:
    source = tmp_path / "source"
    os.mkfifo(source)
    root = tmp_path / "blobs"
    putting = await asyncio.create_subprocess_exec(sys.executable, "-c", PUT, root, KEY, source)
    try:
        with source.open("wb", buffering=0) as pipe:
            pipe.write(b"x" * 8 * 1024 * 1024)  # read, and at least half of it written
    finally:
        putting.kill()
        await putting.wait()
    with pytest.raises(BlobNotFound):
        await blobs.stat(KEY)
    assert [blob async for blob in blobs.list("")] == []
    assert await blobs.sweep(older_than=3600) == 0
    assert await blobs.sweep(older_than=0) == 1


async def test_the_sweep_spares_what_is_being_written(blobs: LocalBlobs, tmp_path: Path) -> None:
    part = write(tmp_path / "blobs/.incoming/part", b"x")
    assert await blobs.sweep(older_than=60) == 0
    hour_ago = time.time() - 3600
    os.utime(part, (hour_ago, hour_ago))
    assert await blobs.sweep(older_than=60) == 1


async def test_a_blob_is_no_folder_and_a_folder_no_blob(blobs: LocalBlobs, tmp_path: Path) -> None:
    source = write(tmp_path / "a", b"x")
    await blobs.put("t/a", source, content_type="x/y")
    for key in ("t/a/b", "t/a/b/c", "t"):
        with pytest.raises(InvalidKey):
            await blobs.put(key, source, content_type="x/y")
    assert await blobs.sweep(older_than=-60) == 0


async def test_leaves_urls_to_the_gateway(blobs: LocalBlobs) -> None:
    assert await blobs.presign(KEY, seconds=60, content_type="video/mp4") is None


async def test_says_when_the_directory_is_gone(tmp_path: Path) -> None:
    store = LocalBlobs(write(tmp_path / "file", b"") / "blobs")
    with pytest.raises(StorageUnavailable):
        await store.open()
    assert not await store.reachable()
    with pytest.raises(StorageUnavailable):
        await store.put(KEY, write(tmp_path / "a", b"x"), content_type="x/y")
