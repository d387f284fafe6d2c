"""The blob port: large immutable bytes by key, in a directory or in an S3-compatible store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Blob:
    """What is known of stored bytes. ``etag`` changes whenever they do."""

    key: str
    size: int
    content_type: str
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Download:
    """An open blob: ``chunks`` yields ``length`` bytes from ``start``."""

    blob: Blob
    start: int
    length: int
    chunks: AsyncIterator[bytes]


class BlobNotFound(LookupError):
    """Nothing is stored under this key."""


class InvalidRange(ValueError):
    """The range is empty, or begins beyond the end of the blob."""


class InvalidKey(ValueError):
    """The key is empty, too long, or tries to leave its place."""


class StorageUnavailable(Exception):
    """The store cannot be reached or refuses; nothing visible was changed."""


class Blobs(Protocol):
    """Keys look like ``default/originals/0192...``: ASCII letters, digits, ``-_.``, between ``/``.

    A blob appears whole or not at all, also when the process is killed half-way. Give a key the
    extension of its content: a store may remember no more of a content type than that. Every
    method may raise InvalidKey or StorageUnavailable.
    """

    async def open(self) -> None:
        """Make ready; create the bucket or the directory if it is missing."""

    async def close(self) -> None:
        """Release connections."""

    async def put(self, key: str, source: Path, *, content_type: str, give: bool = False) -> Blob:
        """Store a file's bytes under ``key``, replacing what was there.

        Who will ``give`` the file away spares a copy where it can be moved: it must be nobody
        else's to write to, and may be gone afterwards, whatever happened.
        """

    async def stat(self, key: str) -> Blob:
        """Raises BlobNotFound."""

    def read(
        self, key: str, *, start: int = 0, end: int | None = None
    ) -> AbstractAsyncContextManager[Download]:
        """Stream bytes ``start`` up to and without ``end``. Raises BlobNotFound or InvalidRange.

        An ``end`` beyond the last byte means the last byte.
        """

    async def fetch(self, key: str, target: Path) -> Blob:
        """Write a blob into a local file. Raises BlobNotFound."""

    async def delete(self, key: str) -> None:
        """Forget a blob; one that is not there is no error."""

    def list(self, prefix: str) -> AsyncIterator[Blob]:
        """Every blob whose key begins with ``prefix``, in order of key."""

    async def sweep(self, older_than: float) -> int:
        """Remove what writes cut short ``older_than`` seconds ago left behind; return how many."""

    async def presign(self, key: str, *, seconds: int, content_type: str) -> str | None:
        """A URL that anyone can GET for a while, or None where the gateway must stream itself."""

    async def reachable(self) -> bool:
        """Whether the store answers now."""
