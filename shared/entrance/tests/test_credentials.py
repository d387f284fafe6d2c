"""A session that ended opens nothing, whether we were told or have to find out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID, uuid4

import pytest

from shared.entrance.credentials import (
    OUTAGE_SECONDS,
    REVOKED_SECONDS,
    Credentials,
    InvalidToken,
)
from shared.web.problems import Unavailable

ONE, OTHER = uuid4(), uuid4()


class Identity:
    """Knows which sessions ended, or is down."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.ended: set[UUID] = set()
        self.asked: list[set[UUID]] = []
        self.down = False
        self.answering = asyncio.Event()
        self.answering.set()

    async def live(self, idents: Sequence[UUID]) -> set[UUID]:
        self.asked.append(set(idents))
        answer = set(idents) - self.ended
        await self.answering.wait()
        if self.down:
            raise Unavailable("down")
        return answer

    def credentials(self) -> Credentials:
        return Credentials(self.live, lambda: self.time)


async def test_many_requests_of_a_session_ask_once() -> None:
    identity = Identity()
    credentials = identity.credentials()
    await asyncio.gather(*(credentials.require(ONE) for _ in range(50)))
    await credentials.require(ONE)
    assert identity.asked == [{ONE}]


async def test_all_in_use_are_asked_for_together_and_the_others_forgotten() -> None:
    identity = Identity()
    credentials = identity.credentials()
    await credentials.require(ONE)
    identity.time += 40
    await credentials.require(OTHER)
    await credentials.ask_again()
    assert identity.asked[-1] == {ONE, OTHER}
    identity.time += 40
    await credentials.ask_again()
    assert identity.asked[-1] == {OTHER}


async def test_a_revocation_nobody_told_us_of_is_found_out() -> None:
    identity = Identity()
    credentials = identity.credentials()
    await credentials.require(ONE)
    identity.ended.add(ONE)
    await credentials.ask_again()
    with pytest.raises(InvalidToken):
        await credentials.require(ONE)


async def test_a_revocation_outlives_an_answer_that_was_under_way() -> None:
    identity = Identity()
    credentials = identity.credentials()
    identity.answering.clear()
    asking = asyncio.create_task(credentials.require(ONE))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    credentials.revoke(ONE)
    identity.answering.set()
    with pytest.raises(InvalidToken):
        await asking


async def test_what_was_revoked_is_asked_for_again_after_a_minute() -> None:
    """The keys of a tenant that was disabled, and is enabled again."""
    identity = Identity()
    credentials = identity.credentials()
    await credentials.require(ONE)
    credentials.revoke(ONE)
    with pytest.raises(InvalidToken):
        await credentials.require(ONE)
    identity.time += REVOKED_SECONDS + 1
    await credentials.require(ONE)
    identity.ended.add(ONE)
    await credentials.ask_again()
    identity.time += REVOKED_SECONDS + 1
    with pytest.raises(InvalidToken):
        await credentials.require(ONE)


async def test_known_sessions_outlive_an_outage_of_a_minute() -> None:
    identity = Identity()
    credentials = identity.credentials()
    await credentials.require(ONE)
    identity.down = True
    identity.time += OUTAGE_SECONDS
    await credentials.ask_again()
    await credentials.require(ONE)
    identity.time += 1
    with pytest.raises(Unavailable):
        await credentials.require(ONE)
    with pytest.raises(Unavailable):
        await credentials.require(OTHER)
    identity.down = False
    await credentials.ask_again()
    await credentials.require(ONE)


async def test_who_watches_is_told_even_if_it_comes_too_late() -> None:
    credentials = Identity().credentials()
    told: list[str] = []
    with credentials.watching(ONE, partial(told.append, "in time")):
        assert not told
        credentials.revoke(ONE)
        assert told == ["in time"]
    with credentials.watching(ONE, partial(told.append, "too late")):
        assert told == ["in time", "too late"]


async def test_what_is_watched_stays_asked_for() -> None:
    identity = Identity()
    credentials = identity.credentials()
    await credentials.require(ONE)
    told: list[str] = []
    with credentials.watching(ONE, partial(told.append, "ended")):
        identity.time += 1000
        identity.ended.add(ONE)
        await credentials.ask_again()
        assert told == ["ended"]
