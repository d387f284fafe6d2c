"""What holds in every store: which keys exist, what a range means, what an extension says."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from shared.blobs.port import InvalidKey, InvalidRange

CHUNK = 256 * 1024
"""Bytes handed out at a time when a blob is read."""

MAX_KEY = 512
"""Characters in a key; S3 takes 1,024 bytes."""

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")

_CONTENT_TYPES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".webm": "video/webm",
    ".webp": "image/webp",
}


def check_key(key: str) -> str:
    """Return the key. Raises InvalidKey if it is empty, too long, hidden or may leave its place."""
    if len(key) > MAX_KEY or not _KEY.fullmatch(key):
        raise InvalidKey(f"not a blob key: {key[:MAX_KEY]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """Return the prefix: nothing, the beginning of a key, or folders. Raises InvalidKey."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def content_type_of(key: str) -> str:
    """The media type that the key's extension stands for, the same on every machine."""
    return _CONTENT_TYPES.get(PurePosixPath(key).suffix.lower(), "application/octet-stream")


def check_range(start: int, end: int | None) -> None:
    """Raises InvalidRange for what can be no range of any blob: negative or empty."""
    if start < 0 or (end is not None and end <= start):
        raise InvalidRange(f"no bytes from {start} to {end}")


def length_of_range(start: int, end: int | None, size: int) -> int:
    """How many bytes of ``size`` a range means. Raises InvalidRange if it begins past the last one.

    The whole of an empty blob is no range, and is fine (RFC 9110, section 14.1.2).
    """
    check_range(start, end)
    whole = start == 0 and end is None
    if start >= size and not whole:
        raise InvalidRange(f"byte {start} of {size}")
    return min(size, size if end is None else end) - start
