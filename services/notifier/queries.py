"""What polling reads."""

from __future__ import annotations

from dataclasses import dataclass

from services.notifier import store
from services.notifier.domain.notice import Notice, Stream
from shared.db import Tx


@dataclass(frozen=True, slots=True)
class Found:
    """Notices, and the offset to ask from next."""

    stream: Stream
    notices: list[Notice]
    offset: int
    recovered: bool


async def events(tx: Tx, since: int | None, epoch: str | None, limit: int) -> Found:
    """The tenant's oldest notices after ``since``, or its newest without one.

    After a ``since`` that cannot be recovered there is nothing but the offset to start again from.
    """
    stream = await store.stream(tx)
    recovered = stream.recovers(since, epoch)
    if since is None:
        after = max(stream.last_offset - limit, stream.pruned_offset)
    else:
        after = since if recovered else stream.last_offset
    notices = await store.notices_between(tx, after, stream.last_offset, limit)
    full = len(notices) == limit
    offset = notices[-1].offset if full else stream.last_offset
    assert offset is not None
    return Found(stream, notices, offset, recovered)
