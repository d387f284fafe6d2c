"""Work that is done side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def side_by_side(*lanes: Coroutine[Any, Any, None]) -> None:
    """Wait until all lanes are at their end; if one raises, cancel the others and raise that."""
    try:
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(lane)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
