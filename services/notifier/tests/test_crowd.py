"""Nobody takes all the room there is for WebSockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError

from services.notifier.tests.replicas import ADMIN, ANNA, BOB, Replica


@pytest.fixture(autouse=True)
def small(replica: Replica) -> None:
    """Room for three, and four."""
    replica.crowd.per_user, replica.crowd.per_tenant = 3, 4


async def _refused(replica: Replica, **caller: Any) -> WSServerHandshakeError:
    with pytest.raises(WSServerHandshakeError) as refused:
        await replica.connect(**caller)
    return refused.value


async def test_one_more_than_a_person_may_have_is_refused(replica: Replica) -> None:
    first, *_ = [await replica.connect(user=ANNA) for _ in range(3)]
    refused = await _refused(replica, user=ANNA)
    assert refused.status == 429
    await replica.connect(user=BOB)

    await first.ws.close()
    async with asyncio.timeout(10):
        while replica.crowd.of("default") > 3:
            await asyncio.sleep(0.01)
    await replica.connect(user=ANNA)


async def test_one_more_than_a_tenant_may_have_is_refused(replica: Replica) -> None:
    for user in (ADMIN, ADMIN, ANNA, BOB):
        await replica.connect(user=user)
    assert (await _refused(replica, user=ADMIN)).status == 429
    await replica.connect(user=ADMIN, tenant="elsewhere")


async def test_why_is_said(replica: Replica) -> None:
    for _ in range(3):
        await replica.connect(user=ANNA)
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    headers = replica.headers(user=ANNA) | handshake
    async with replica.client.get("/ws", headers=headers) as answer:
        problem = await answer.json()
    assert (answer.status, problem["code"]) == (429, "too_many_sockets")
    assert problem["detail"] == "At most 3 WebSockets may be open for you."
