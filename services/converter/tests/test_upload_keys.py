"""Uploads sent again with their Idempotency-Key."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from services.converter.probing.prober import Prober
from services.converter.tests.asking import ASSETS, Client, form
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import Studio
from shared.contracts.converter import AssetUploaded, TicketIssued

KEYED = {"Idempotency-Key": "aurora"}


async def alone(studio: Studio, asset: Any) -> None:
    """One asset, its original and its job are there, and nothing else."""
    assert await studio.keys() == {f"default/originals/{asset['id']}"}
    assert len(await studio.told(AssetUploaded)) == len(await studio.told(TicketIssued)) == 1
    assert await studio.databases.as_admin("select from converter.incoming") == []
    assert list(studio.scratch.own.iterdir()) == []


async def test_an_upload_sent_again_with_its_key_is_taken_once(
    client: Client, studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (await clip("sound")).read_bytes()
    async with client.post(ASSETS, data=form(content, title="Aurora"), headers=KEYED) as answer:
        assert answer.status == 201
        first, location = await answer.read(), answer.headers["Location"]
    monkeypatch.setattr(Prober, "glance", lambda *_: pytest.fail("looked at again"))

    async with client.post(ASSETS, data=form(content, title="Aurora"), headers=KEYED) as answer:
        assert (answer.status, await answer.read()) == (201, first)
        assert answer.headers["Location"] == location
        assert answer.headers["Idempotent-Replayed"] == "true"
    raw = {**KEYED, "Content-Type": "video/mp4"}
    path = f"{ASSETS}?filename=film.mp4&title=Aurora"
    async with client.post(path, data=content, headers=raw) as answer:
        assert (answer.status, await answer.read()) == (201, first)
    await alone(studio, orjson.loads(first))


async def test_a_key_is_not_for_another_film_nor_another_title(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    content, other = [(await clip(name)).read_bytes() for name in ("sound", "silent")]
    async with client.post(ASSETS, data=form(content), headers=KEYED) as answer:
        asset = await answer.json()

    for another in (form(other), form(content, title="Borealis")):
        async with client.post(ASSETS, data=another, headers=KEYED) as answer:
            assert (answer.status, (await answer.json())["code"]) == (422, "idempotency_key_reused")
    await alone(studio, asset)


async def test_the_slower_of_two_twins_leaves_nothing(
    client: Client, studio: Studio, clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are past the first look at the key when the first of them commits."""
    content, put = (await clip("sound")).read_bytes(), studio.blobs.put
    both_stored, first_answered = asyncio.Barrier(2), asyncio.Event()

    async def put_together(*given: Any, **more: Any) -> None:
        await put(*given, **more)
        place = await asyncio.wait_for(both_stored.wait(), 10)
        if place == 1:
            await asyncio.wait_for(first_answered.wait(), 10)

    monkeypatch.setattr(studio.blobs, "put", put_together)

    async def send() -> tuple[int, bytes, bool]:
        async with client.post(ASSETS, data=form(content), headers=KEYED) as answer:
            first_answered.set()
            replayed = "Idempotent-Replayed" in answer.headers
            return answer.status, await answer.read(), replayed

    answers = sorted(await asyncio.gather(send(), send()), key=lambda answer: answer[2])
    assert [(status, replayed) for status, _, replayed in answers] == [(201, False), (201, True)]
    assert answers[0][1] == answers[1][1]
    await alone(studio, orjson.loads(answers[0][1]))


async def test_a_film_that_was_refused_may_be_followed_by_a_good_one(
    client: Client, clip: MakeClip
) -> None:
    for name, status in (("only_sound", 415), ("sound", 201)):
        content = (await clip(name)).read_bytes()
        async with client.post(ASSETS, data=form(content), headers=KEYED) as answer:
            assert answer.status == status
