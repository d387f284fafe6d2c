"""Blobs in a directory: for one machine, with nothing to install.

A blob is a plain file under its key. It is written elsewhere on the same file system, synced, and
renamed into its place. What is known of it comes from the file itself, so there is nothing else
to keep in step: the content type is what the key's extension says, the etag the file's identity.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, TypeVar
from uuid import uuid4

from shared.blobs.port import Blob, BlobNotFound, Download, InvalidKey, StorageUnavailable
from shared.blobs.rules import CHUNK, check_key, check_prefix, content_type_of, length_of_range

T = TypeVar("T")

_INCOMING = ".incoming"  # no key can name it: segments do not begin with a dot
_COPIED_AT_ONCE = 4 * 1024 * 1024
_ANCHORED = 1024  # folders remembered to be on disk, with all above them


class LocalBlobs:
    """The directory ``root``, created at ``open``; ``presign`` is left to the gateway."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / _INCOMING
        self._anchor = lru_cache(_ANCHORED)(self._sync_above)

    async def open(self) -> None:
        """Create the directory. Raises StorageUnavailable."""
        with _refusing():
            self._incoming.mkdir(parents=True, exist_ok=True)

    async def close(self) -> None:
        """Nothing is held open."""

    async def put(
        self,
        key: str,
        source: Path,
        *,
        content_type: str,  # noqa: ARG002
        give: bool = False,
    ) -> Blob:
        """Copy or move a file in; the content type is not kept, the key's extension tells it."""
        target = self._path(key)
        with source.open("rb") as reader:
            given = source if give else None
            await _in_thread(lambda stop: self._store(reader, given, target, stop))
        return await self.stat(key)

    async def stat(self, key: str) -> Blob:
        """Raises BlobNotFound."""
        with _refusing(key):
            return _blob(key, self._path(key).stat())

    @asynccontextmanager
    async def read(
        self, key: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Download]:
        """Stream a range. Raises BlobNotFound or InvalidRange."""
        with self._opened(key) as (file, blob):
            length = length_of_range(start, end, blob.size)
            yield Download(blob, start, length, _chunks(file, start, length))

    async def fetch(self, key: str, target: Path) -> Blob:
        """Copy a blob out. Raises BlobNotFound; what fails at the target is an OSError."""
        with self._opened(key) as (reader, blob), target.open("wb") as writer:
            await _in_thread(lambda stop: _copy(reader, writer, stop))
        return blob

    async def delete(self, key: str) -> None:
        """Remove the file; its folders stay, since somebody may be about to write into them."""
        path = self._path(key)
        try:
            with _refusing(key):
                path.unlink()
        except BlobNotFound:
            return

    async def list(self, prefix: str) -> AsyncIterator[Blob]:
        """Every blob whose key begins with ``prefix``, in the order S3 would list them."""
        folder = check_prefix(prefix).rpartition("/")[0]
        async for key in self._walk(folder):
            if key.startswith(prefix) and (blob := self._glance(key)):
                yield blob

    async def sweep(self, older_than: float) -> int:
        """Remove half-written files last touched ``older_than`` seconds ago."""
        with _refusing():
            return await asyncio.to_thread(_sweep, self._incoming, time.time() - older_than)

    async def presign(self, key: str, *, seconds: int, content_type: str) -> str | None:  # noqa: ARG002
        """None: only the gateway can serve these files."""
        check_key(key)
        return None

    async def reachable(self) -> bool:
        """Whether the directory is there and can be written."""
        return os.access(self._incoming, os.W_OK)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    @contextmanager
    def _opened(self, key: str) -> Iterator[tuple[BinaryIO, Blob]]:
        with _refusing(key):
            file = self._path(key).open("rb")
        with file:
            yield file, _blob(key, os.fstat(file.fileno()))

    def _store(
        self, reader: BinaryIO, given: Path | None, target: Path, stop: threading.Event
    ) -> None:
        part = self._incoming / uuid4().hex
        with _refusing():
            try:
                if given and _moved(given, part):
                    os.fsync(reader.fileno())
                else:
                    with part.open("xb") as writer:
                        _copy(reader, writer, stop)
                        os.fsync(writer.fileno())
                _place(part, target)
                _sync_folder(target.parent)
                self._anchor(target.parent)
            finally:
                part.unlink(missing_ok=True)

    def _sync_above(self, folder: Path) -> None:
        """Make folders survive a power cut: once each, since they stay."""
        if folder != self._root:
            _sync_folder(folder.parent)
            self._anchor(folder.parent)

    def _glance(self, key: str) -> Blob | None:
        """What is listed may be gone a moment later."""
        try:
            with _refusing(key):
                return _blob(key, (self._root / key).stat())
        except BlobNotFound:
            return None

    async def _walk(self, folder: str) -> AsyncIterator[str]:
        with _refusing():
            entries = await asyncio.to_thread(_entries, self._root / folder)
        for name, is_folder in entries:
            key = f"{folder}/{name}" if folder else name
            if not is_folder:
                yield key
                continue
            async for found in self._walk(key):
                yield found


class _Stopped(Exception):
    """The caller of a copy was cancelled."""


async def _in_thread(work: Callable[[threading.Event], T]) -> T:
    """Run blocking work; when cancelled, tell it so and wait until it has cleaned up."""
    stop = threading.Event()
    running = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.gather(running, return_exceptions=True)
        raise


def _copy(reader: BinaryIO, writer: BinaryIO, stop: threading.Event) -> None:
    while chunk := reader.read(_COPIED_AT_ONCE):
        if stop.is_set():
            raise _Stopped
        writer.write(chunk)


def _moved(source: Path, target: Path) -> bool:
    """Whether it could be: not from another file system."""
    try:
        source.rename(target)
    except OSError:
        return False
    return True


def _place(part: Path, target: Path) -> None:
    """Raises InvalidKey where the file system cannot follow S3."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise InvalidKey(f"a blob cannot be the folder of another: {error}") from error


async def _chunks(file: BinaryIO, start: int, length: int) -> AsyncIterator[bytes]:
    end = start + length
    while start < end:
        chunk = await asyncio.to_thread(os.pread, file.fileno(), min(CHUNK, end - start), start)
        if not chunk:
            raise StorageUnavailable(f"a file ended at byte {start} instead of {end}")
        start += len(chunk)
        yield chunk


def _blob(key: str, found: os.stat_result) -> Blob:
    """What a file's status says. Two files in one place never share inode, size and time."""
    if not S_ISREG(found.st_mode):
        raise BlobNotFound(key)
    etag = f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"
    modified = datetime.fromtimestamp(found.st_mtime, UTC)
    return Blob(key, found.st_size, content_type_of(key), etag, modified)


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names of files and folders, sorted as their keys are: a folder sorts with its slash."""
    try:
        with os.scandir(folder) as entries:
            found = [(e.name, e.is_dir(follow_symlinks=False)) for e in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []
    visible = [entry for entry in found if not entry[0].startswith(".")]
    return sorted(visible, key=lambda entry: entry[0] + "/" * entry[1])


def _sweep(incoming: Path, before: float) -> int:
    removed = 0
    for part in list(incoming.iterdir()):
        try:
            if part.stat().st_mtime <= before:
                part.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # its writer finished meanwhile
    return removed


def _sync_folder(folder: Path) -> None:
    """Make what was renamed or made in it survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _refusing(key: str = "") -> Iterator[None]:
    """Give the file system's errors the port's names."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        if key:
            raise BlobNotFound(key) from error
        raise StorageUnavailable(str(error)) from error
    except OSError as error:
        raise StorageUnavailable(str(error)) from error
