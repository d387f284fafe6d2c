"""Scratch space: directories that end with what they were made for, or with their process.

Each process keeps its directories under a name of its own and holds a lock on a file beside them.
The lock goes with the process, however it dies, so whoever starts next can tell what is left over
from what is in use.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import structlog

log = structlog.get_logger()


class Scratch:
    """Private directories below ``root`` for one process."""

    def __init__(self, root: Path) -> None:
        self.name = uuid4().hex
        self._root = root
        self._lock = root / f"{self.name}.lock"
        self.own = root / self.name
        self._held = -1

    async def open(self) -> None:
        """Make ready, and remove what dead processes left."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        while not self._hold():
            pass
        self.own.mkdir(mode=0o700)
        for lock in self._root.glob("*.lock"):
            self._remove_if_dead(lock)

    async def close(self) -> None:
        """Remove everything of ours."""
        shutil.rmtree(self.own, ignore_errors=True)
        self._lock.unlink(missing_ok=True)
        os.close(self._held)

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """A new directory, removed at the end of the block with all that is in it."""
        path = self.own / uuid4().hex
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            try:
                path.rmdir()  # which is all there is to do after most uploads
            except OSError:
                shutil.rmtree(path, ignore_errors=True)

    def _hold(self) -> bool:
        """Lock our file; False if somebody took it for left over before it was locked."""
        self._held = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        if os.fstat(self._held).st_nlink:
            return True
        os.close(self._held)
        return False

    def _remove_if_dead(self, lock: Path) -> None:
        with suppress(OSError):
            handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink()
                log.info("scratch_swept", process=lock.stem)
            finally:
                os.close(handle)
