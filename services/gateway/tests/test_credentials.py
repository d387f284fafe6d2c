"""A session that ended opens nothing, whether we were told or have to find out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from aiohttp import WSMsgType

from services.gateway.credentials import (
    OUTAGE_SECONDS,
    REVOKED_SECONDS,
    Credentials,
    InvalidToken,
)
from services.gateway.tests.house import SESSION, House
from shared.web.problems import Unavailable

USERS = "/api/admin/users"
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
    with credentials.watching(ONE) as ended:
        assert not ended.is_set()
        credentials.revoke(ONE)
        assert ended.is_set()
    with credentials.watching(ONE) as ended:
        assert ended.is_set()


async def test_what_is_watched_stays_asked_for() -> None:
    identity = Identity()
    credentials = identity.credentials()
    await credentials.require(ONE)
    with credentials.watching(ONE) as ended:
        identity.time += 1000
        identity.ended.add(ONE)
        await credentials.ask_again()
        assert ended.is_set()


async def test_a_session_told_of_opens_nothing_from_then_on(house: House) -> None:
    headers = house.bearer()
    assert (await house.client.get(USERS, headers=headers)).status == 200
    await house.hear_of_end(SESSION)
    answer = await house.client.get(USERS, headers=headers)
    assert (answer.status, (await answer.json())["code"]) == (401, "invalid_token")


async def test_requests_add_no_question(house: House) -> None:
    for _ in range(20):
        assert (await house.client.get(USERS, headers=house.bearer())).status == 200
    assert house.registry.asked == 1


async def test_open_sockets_of_a_session_that_ends_are_closed(house: House) -> None:
    other = str(uuid4())
    async with (
        house.client.ws_connect("/ws", headers=house.bearer(), autoclose=False) as socket,
        house.client.ws_connect("/ws", headers=house.bearer(sid=other)) as stays,
    ):
        for each in (socket, stays):
            await each.receive(timeout=5)
        await house.hear_of_end(SESSION)
        told = await socket.receive(timeout=5)
        assert (told.type, told.data) == (WSMsgType.CLOSE, 4001)
        await socket.close()
        await stays.send_str("still here")
        assert await stays.receive_str(timeout=5) == "still here"
