"""No tenant has more uploads under way than it may."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from services.converter.resumable.http import COLLECTION
from services.converter.resumable.rows import PATIENCE
from services.converter.tests.studio import Studio
from services.converter.tests.uploading import Sender, replica


async def _status(sender: Sender) -> int:
    return (await sender.send("POST", COLLECTION, Upload_Length=10)).status


async def test_one_more_than_may_be_open_is_refused(studio: Studio, tmp_path: Path) -> None:
    async with replica(studio, tmp_path, most=3) as sender:
        statuses = await asyncio.gather(*(_status(sender) for _ in range(8)))
        assert sorted(statuses) == [201] * 3 + [429] * 5
        answer = await sender.send("POST", COLLECTION, Upload_Length=10)
        assert (await answer.json())["code"] == "too_many_uploads"
        assert answer.headers["Retry-After"] == "60"
        async with replica(studio, tmp_path, most=3, tenant="elsewhere") as stranger:
            assert await _status(stranger) == 201


async def test_what_ended_or_expired_makes_room(studio: Studio, tmp_path: Path) -> None:
    async with replica(studio, tmp_path, most=1) as sender:
        path = await sender.begin(10)
        assert await _status(sender) == 429
        assert (await sender.send("DELETE", path)).status == 204
        await sender.begin(10)
        studio.databases.clock.offset = PATIENCE + timedelta(seconds=1)
        assert await _status(sender) == 201
