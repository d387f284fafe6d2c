"""The blobs of a backup: out of a store into a directory, and back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from shared.backup.manifest import BackupFailed, Object, sha256
from shared.blobs.port import BlobNotFound, Blobs
from shared.blobs.rules import content_type_of

T = TypeVar("T")
R = TypeVar("R")

WITNESS = re.compile(r"[^/]+/audit/(checkpoint|checkpoints/.+|restorations/.+|set-aside/.+)")
"""Keys of what was noted of the trail outside of the database."""

_AT_ONCE = 8


async def save(blobs: Blobs, folder: Path, *, witnesses: bool) -> list[Object]:
    """Copy all witnesses, or all other blobs, that are in the store now.

    What an earlier, interrupted attempt has copied is taken as it is, since blobs never change;
    witnesses do. One that goes away meanwhile was nobody's.
    """

    async def copied(key: str, size: int) -> Object | None:
        path = folder / key
        if witnesses or not path.is_file() or path.stat().st_size != size:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}")
            try:
                size = (await blobs.fetch(key, part)).size
            except BlobNotFound:
                return None
            part.replace(path)
        return Object(key=key, size=size, sha256=await asyncio.to_thread(sha256, path))

    async def wanted() -> AsyncIterator[tuple[str, int]]:
        async for blob in blobs.list(""):
            if bool(WITNESS.fullmatch(blob.key)) is witnesses:
                yield blob.key, blob.size

    found = [each async for each in _at_once(lambda blob: copied(*blob), wanted())]
    return [each for each in found if each is not None]


def forget_others(folder: Path, kept: set[str]) -> None:
    """Remove what an earlier attempt has copied and is in the store no more."""
    for path in list(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in kept:
            path.unlink()


async def require_none_but(blobs: Blobs, known: set[str]) -> None:
    """Raises BackupFailed if the store has blobs that are not in the backup."""
    async for blob in blobs.list(""):
        if blob.key not in known:
            raise BackupFailed(
                f"the store is not empty: it has {blob.key}, which the backup has not"
            )


async def put_back(blobs: Blobs, folder: Path, objects: list[Object]) -> None:
    """Store the blobs, but for those that an interrupted restore has stored already."""
    there = {blob.key: blob.size async for blob in blobs.list("")}

    async def put(each: Object) -> None:
        if WITNESS.fullmatch(each.key) or there.get(each.key) != each.size:
            await blobs.put(each.key, folder / each.key, content_type=content_type_of(each.key))

    async for _ in _at_once(put, _each(objects)):
        pass


async def check(folder: Path, objects: list[Object]) -> None:
    """Raises BackupFailed unless every blob is there and is what it was."""

    async def check_one(each: Object) -> None:
        await require_same(folder / each.key, each.sha256)

    async for _ in _at_once(check_one, _each(objects)):
        pass


async def require_same(path: Path, digest: str) -> None:
    """Raises BackupFailed unless the file is there and has this SHA-256."""
    try:
        found = await asyncio.to_thread(sha256, path)
    except OSError as error:
        raise BackupFailed(f"the backup is damaged: {error}") from error
    if found != digest:
        raise BackupFailed(f"the backup is damaged: {path} is not what was saved")


async def _each(objects: list[Object]) -> AsyncIterator[Object]:
    for each in objects:
        yield each


async def _at_once(work: Callable[[T], Awaitable[R]], items: AsyncIterator[T]) -> AsyncIterator[R]:
    """What ``work`` makes of the items, some of them at a time, in their order."""
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == _AT_ONCE:
            for result in await asyncio.gather(*map(work, batch)):
                yield result
            batch.clear()
    for result in await asyncio.gather(*map(work, batch)):
        yield result
