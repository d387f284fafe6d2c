"""What every blob store promises; each adapter's tests inherit it and offer a ``blobs`` fixture."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from shared.blobs.port import BlobNotFound, Blobs, InvalidKey, InvalidRange

MIB = 1024 * 1024

HOSTILE_KEYS = (
    "",
    "/",
    "/etc/passwd",
    "..",
    "../outside",
    "default/../../outside",
    "default//twice",
    "default/",
    "default/.",
    "default/.hidden",
    ".incoming/x",
    "default/with space",
    "default/with\x00nul",
    "default/with\nline",
    "default\\windows",
    "default/%2e%2e/outside",
    "default/ümlaut",
    "default/" + "x" * 600,
)

KEY = "default/originals/0192-a.mp4"


async def content(chunks: AsyncIterator[bytes]) -> bytes:
    """All of a download."""
    return b"".join([chunk async for chunk in chunks])


def write(path: Path, data: bytes) -> Path:
    """A source file."""
    path.write_bytes(data)
    return path


class BlobConformance:
    """Inherit, and give ``blobs``: an open, empty store that sends parts of at most 5 MiB."""

    async def test_gives_back_what_was_put(self, blobs: Blobs, tmp_path: Path) -> None:
        put = await blobs.put(KEY, write(tmp_path / "a", b"moving"), content_type="video/mp4")
        async with blobs.read(KEY) as download:
            assert await content(download.chunks) == b"moving"
            assert (download.start, download.length) == (0, 6)
            assert download.blob == put
        assert put == await blobs.stat(KEY)
        assert (put.key, put.size, put.content_type) == (KEY, 6, "video/mp4")
        assert abs(datetime.now(UTC) - put.modified) < timedelta(minutes=1)
        assert put.modified.tzinfo is UTC

    async def test_an_empty_blob_is_a_blob(self, blobs: Blobs, tmp_path: Path) -> None:
        await blobs.put(KEY, write(tmp_path / "a", b""), content_type="video/mp4")
        async with blobs.read(KEY) as download:
            assert await content(download.chunks) == b""
            assert download.length == 0
        assert (await blobs.fetch(KEY, tmp_path / "b")).size == 0
        assert (tmp_path / "b").read_bytes() == b""

    async def test_large_blobs_come_back_whole(self, blobs: Blobs, tmp_path: Path) -> None:
        data = Random(20).randbytes(20 * MIB + 17)
        put = await blobs.put(KEY, write(tmp_path / "a", data), content_type="video/mp4")
        fetched = await blobs.fetch(KEY, tmp_path / "b")
        assert put.size == len(data)
        assert fetched.etag == put.etag
        found = hashlib.sha256((tmp_path / "b").read_bytes()).digest()
        assert found == hashlib.sha256(data).digest()
        assert await blobs.sweep(older_than=-60) == 0

    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            (0, 1, b"0"),
            (3, 7, b"3456"),
            (3, None, b"3456789"),
            (9, None, b"9"),
            (0, 10, b"0123456789"),
            (8, 500, b"89"),
        ],
    )
    async def test_ranges(
        self, blobs: Blobs, tmp_path: Path, start: int, end: int | None, expected: bytes
    ) -> None:
        await blobs.put(KEY, write(tmp_path / "a", b"0123456789"), content_type="video/mp4")
        async with blobs.read(KEY, start=start, end=end) as download:
            assert await content(download.chunks) == expected
            assert (download.start, download.length) == (start, len(expected))
            assert download.blob.size == 10

    @pytest.mark.parametrize(("start", "end"), [(10, None), (11, 20), (5, 5), (7, 3), (-1, 3)])
    async def test_refuses_ranges_without_bytes(
        self, blobs: Blobs, tmp_path: Path, start: int, end: int | None
    ) -> None:
        await blobs.put(KEY, write(tmp_path / "a", b"0123456789"), content_type="video/mp4")
        with pytest.raises(InvalidRange):
            async with blobs.read(KEY, start=start, end=end):
                pass

    async def test_says_what_is_missing(self, blobs: Blobs, tmp_path: Path) -> None:
        await blobs.put(KEY, write(tmp_path / "a", b"x"), content_type="video/mp4")
        for missing in ("default/originals/none", "default/originals", f"{KEY}/below"):
            with pytest.raises(BlobNotFound):
                await blobs.stat(missing)
            with pytest.raises(BlobNotFound):
                await blobs.fetch(missing, tmp_path / "b")
            with pytest.raises(BlobNotFound):
                async with blobs.read(missing, start=3, end=5):
                    pass

    async def test_a_reader_who_leaves_early_disturbs_nobody(
        self, blobs: Blobs, tmp_path: Path
    ) -> None:
        await blobs.put(KEY, write(tmp_path / "a", b"x" * 3 * MIB), content_type="video/mp4")
        async with blobs.read(KEY) as download:
            assert await anext(download.chunks)
        async with blobs.read(KEY, start=MIB) as download:
            assert len(await content(download.chunks)) == 2 * MIB

    async def test_overwriting_replaces_and_changes_the_etag(
        self, blobs: Blobs, tmp_path: Path
    ) -> None:
        first = await blobs.put(KEY, write(tmp_path / "a", b"first"), content_type="video/mp4")
        second = await blobs.put(KEY, write(tmp_path / "b", b"other"), content_type="video/mp4")
        assert first.etag != second.etag
        async with blobs.read(KEY) as download:
            assert await content(download.chunks) == b"other"

    async def test_what_is_given_away_is_stored_as_what_is_lent(
        self, blobs: Blobs, tmp_path: Path
    ) -> None:
        given, lent = write(tmp_path / "a", b"moving"), write(tmp_path / "b", b"other")
        await blobs.put(KEY, lent, content_type="video/mp4")
        put = await blobs.put(KEY, given, content_type="video/mp4", give=True)
        assert (put.size, put) == (6, await blobs.stat(KEY))
        async with blobs.read(KEY) as download:
            assert await content(download.chunks) == b"moving"
        assert lent.read_bytes() == b"other"

    async def test_deleting_is_final_and_may_be_repeated(
        self, blobs: Blobs, tmp_path: Path
    ) -> None:
        await blobs.put(KEY, write(tmp_path / "a", b"x"), content_type="video/mp4")
        await blobs.delete(KEY)
        await blobs.delete(KEY)
        await blobs.delete("nobody/had/this")
        with pytest.raises(BlobNotFound):
            await blobs.stat(KEY)
        assert [blob async for blob in blobs.list("")] == []

    async def test_lists_by_prefix_in_order_of_key(self, blobs: Blobs, tmp_path: Path) -> None:
        source = write(tmp_path / "a", b"x")
        keys = ["t/a/1.gif", "t/a-b/1.gif", "t/a.b", "t/a/10.gif", "t/b/2.mp4", "u/a/1.gif"]
        for key in keys:
            await blobs.put(key, source, content_type="image/gif")
        listed = [blob async for blob in blobs.list("")]
        assert [blob.key for blob in listed] == sorted(keys)
        assert {blob.size for blob in listed} == {1}
        assert {b.key: b.content_type for b in listed}["t/b/2.mp4"] == "video/mp4"
        for prefix in ("t/", "t/a", "t/a/", "t/a/1", "t/b/2.mp4", "v"):
            found = [blob.key async for blob in blobs.list(prefix)]
            assert found == sorted(key for key in keys if key.startswith(prefix))

    async def test_an_empty_store_has_nothing_to_list_or_sweep(self, blobs: Blobs) -> None:
        assert [blob async for blob in blobs.list("")] == []
        assert await blobs.sweep(older_than=-60) == 0

    @pytest.mark.parametrize("key", HOSTILE_KEYS)
    async def test_refuses_hostile_keys(self, blobs: Blobs, tmp_path: Path, key: str) -> None:
        source = write(tmp_path / "a", b"x")
        with pytest.raises(InvalidKey):
            await blobs.put(key, source, content_type="video/mp4")
        with pytest.raises(InvalidKey):
            await blobs.stat(key)
        with pytest.raises(InvalidKey):
            await blobs.fetch(key, tmp_path / "b")
        with pytest.raises(InvalidKey):
            await blobs.delete(key)
        with pytest.raises(InvalidKey):
            await blobs.presign(key, seconds=60, content_type="video/mp4")
        with pytest.raises(InvalidKey):
            async with blobs.read(key):
                pass
        assert [blob async for blob in blobs.list("")] == []

    @pytest.mark.parametrize("prefix", ["../", "/", "a//", ".incoming/"])
    async def test_refuses_hostile_prefixes(self, blobs: Blobs, prefix: str) -> None:
        with pytest.raises(InvalidKey):
            await anext(blobs.list(prefix))

    @pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.05, 0.1])
    async def test_a_cancelled_put_leaves_all_or_nothing(
        self, blobs: Blobs, tmp_path: Path, after: float
    ) -> None:
        source = write(tmp_path / "a", Random(1).randbytes(24 * MIB))
        putting = asyncio.create_task(blobs.put(KEY, source, content_type="video/mp4"))
        await asyncio.sleep(after)
        putting.cancel()
        with suppress(asyncio.CancelledError):
            await putting
        assert {blob.size async for blob in blobs.list("")} <= {24 * MIB}
        assert await blobs.sweep(older_than=-60) == 0

    async def test_a_missing_source_is_the_callers_error(
        self, blobs: Blobs, tmp_path: Path
    ) -> None:
        with pytest.raises(FileNotFoundError):
            await blobs.put(KEY, tmp_path / "none", content_type="video/mp4")

    async def test_is_reachable(self, blobs: Blobs) -> None:
        assert await blobs.reachable()
