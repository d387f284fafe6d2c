"""An original whose upload ended half-way is removed; one that arrived is not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from services.converter import incoming
from services.converter.incoming import Broom, Overtaken
from services.converter.tests.studio import Studio
from shared.contracts.context import Context

HERE = Context("default")
KEY = "default/originals/film"


@pytest.fixture
async def broom(studio: Studio, tmp_path: Path) -> Broom:
    """An original was noted and stored; its process died before it committed an asset."""
    film = tmp_path / "film"
    film.write_bytes(b"moving pictures")
    async with studio.database.transaction(HERE) as tx:
        await incoming.note(tx, KEY)
    await studio.blobs.put(KEY, film, content_type="video/mp4")
    return Broom(studio.database, studio.blobs)


async def stored(studio: Studio) -> list[str]:
    return [blob.key async for blob in studio.blobs.list("default/originals/")]


async def sweep(studio: Studio, broom: Broom, *, age: timedelta = timedelta(0)) -> int:
    async with studio.database.system_transaction() as tx:
        latest = await tx.now() - age
    return await broom.sweep(latest)


async def test_what_a_crash_left_is_removed(studio: Studio, broom: Broom) -> None:
    assert await sweep(studio, broom) == 1

    assert await stored(studio) == []
    assert await sweep(studio, broom) == 0


async def test_a_young_upload_is_left_alone(studio: Studio, broom: Broom) -> None:
    assert await sweep(studio, broom, age=incoming.GIVEN_UP) == 0

    assert await stored(studio) == [KEY]


async def test_what_arrived_stays(studio: Studio, broom: Broom) -> None:
    async with studio.database.transaction(HERE) as tx:
        await incoming.arrive(tx, KEY)

    assert await sweep(studio, broom) == 0
    await broom.remove_unless_arrived(KEY)

    assert await stored(studio) == [KEY]


async def test_an_upload_that_was_given_up_cannot_arrive(studio: Studio, broom: Broom) -> None:
    await sweep(studio, broom)

    with pytest.raises(Overtaken):
        async with studio.database.transaction(HERE) as tx:
            await incoming.arrive(tx, KEY)
