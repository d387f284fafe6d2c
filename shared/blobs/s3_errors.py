"""What goes wrong with an S3-compatible store, in the port's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from shared.blobs.port import BlobNotFound, InvalidRange, StorageUnavailable

TROUBLE = (BotoCoreError, ClientError, aiohttp.ClientError, OSError)  # TimeoutError is an OSError
"""Everything the library raises."""


def http_status(error: ClientError) -> int:
    """The status of the store's answer, 0 if there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def translated(key: str = "") -> Iterator[None]:
    """Raise BlobNotFound or InvalidRange if a ``key`` is asked for, else StorageUnavailable."""
    try:
        yield
    except ClientError as error:
        if key and http_status(error) == 404:
            raise BlobNotFound(key) from error
        if key and http_status(error) == 416:
            raise InvalidRange(f"the range begins beyond the end of {key}") from error
        raise StorageUnavailable(str(error)) from error
    except TROUBLE as error:
        raise StorageUnavailable(f"{type(error).__name__}: {error}") from error
