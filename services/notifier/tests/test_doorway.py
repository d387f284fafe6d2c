"""A WebSocket that was routed straight here opens for whom the gateway would open it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import unused_port
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.notifier.tests.replicas import (
    ANNA,
    Broadcasts,
    Ears,
    Replica,
    completed,
    entrance,
    sealed,
)
from shared.contracts.identity import CredentialRevoked
from shared.db import Database
from shared.testing.identity import SESSION, IdentityStandIn

ELSEWHERE = "https://evil.example"
FRIEND = "https://admin.example.com"
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


async def opened(replica: Replica, headers: Mapping[str, str], query: str = "") -> Ears:
    """A WebSocket of somebody who brings these headers, after its hello."""
    ears = Ears(await replica.client.ws_connect(f"/ws{query}", headers=headers), {})
    ears.hello = await ears.next()
    return ears


async def refused(
    replica: Replica, headers: Mapping[str, str], query: str = ""
) -> tuple[int, str, str | None]:
    """The status, the code of the problem, and when to come again."""
    async with replica.client.get(f"/ws{query}", headers={**headers, **HANDSHAKE}) as answer:
        assert answer.content_type == "application/problem+json", answer.status
        return answer.status, (await answer.json())["code"], answer.headers.get("Retry-After")


def cookie(identity: IdentityStandIn, name: str = "marquee_session") -> dict[str, str]:
    return {"Cookie": f"{name}={identity.token()}"}


def own(replica: Replica) -> str:
    return str(replica.client.make_url("")).rstrip("/")


def sockets() -> float:
    return REGISTRY.get_sample_value("marquee_notifier_sockets") or 0.0


async def test_a_bearer_token_opens_a_socket_from_anywhere(
    replica: Replica, identity: IdentityStandIn
) -> None:
    before = sockets()
    ears = await opened(replica, identity.bearer(tenant="acme") | {"Origin": ELSEWHERE})
    await ears.subscribe("operations")
    await replica.consume(completed(), tenant="acme")
    assert (await ears.next())["type"] == "assignment.operation.completed"
    assert sockets() == before + 1
    await ears.ws.close()
    async with asyncio.timeout(5):
        while sockets() > before:
            await asyncio.sleep(0.01)


async def test_nobody_is_told_so(replica: Replica, identity: IdentityStandIn) -> None:
    forged = {"X-Actor": "eyJ0ZW5hbnQiOiJhY21lIn0=.c2lnbmF0dXJl"}
    assert await refused(replica, {}) == (401, "unauthenticated", None)
    assert await refused(replica, forged) == (401, "unauthenticated", None)
    assert await refused(replica, {"Authorization": "Bearer x"}) == (401, "invalid_token", None)
    expired = identity.bearer(exp=int(time.time()) - 1)
    assert await refused(replica, expired) == (401, "invalid_token", None)
    await opened(replica, identity.bearer() | forged)  # as if it were not there


async def test_only_the_socket_opens_here(replica: Replica, identity: IdentityStandIn) -> None:
    async with replica.client.get("/api/admin/events", headers=identity.bearer()) as answer:
        assert answer.status == 401


async def test_nobody_follows_what_is_not_theirs(
    replica: Replica, identity: IdentityStandIn
) -> None:
    ears = await opened(replica, identity.bearer(role="user", sub=str(ANNA)))
    assert (await ears.subscribe("assets"))["code"] == "forbidden"
    assert (await ears.subscribe(f"user:{ANNA}"))["type"] == "subscribed"


async def test_a_cookie_opens_a_socket_for_our_pages_only(
    replica: Replica, identity: IdentityStandIn
) -> None:
    signed_in = cookie(identity)
    await opened(replica, signed_in | {"Origin": own(replica)})
    for told in ({"Origin": ELSEWHERE}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert await refused(replica, signed_in | told) == (403, "foreign_origin", None)


async def test_a_ticket_opens_one_socket(replica: Replica, identity: IdentityStandIn) -> None:
    identity.registry.grant("T1", SESSION, actor=f"user:{uuid4()}", role="user")
    await opened(replica, {}, "?ticket=T1")
    for ticket in ("T1", "", "forged", "x" * 5000, "%00", "%FF", "%C3%A9"):
        assert await refused(replica, {}, f"?ticket={ticket}") == (401, "invalid_token", None)


async def test_an_api_key_opens_sockets_until_it_ends(
    replica: Replica, identity: IdentityStandIn
) -> None:
    key = uuid4()
    identity.registry.grant("mq_secret", key)
    headers = {"Authorization": "Bearer mq_secret"}
    ears = await opened(replica, headers)
    await hear_of_end(replica, key)
    assert await ears.close_code() == 4001
    assert await refused(replica, headers) == (401, "invalid_token", None)


async def hear_of_end(replica: Replica, credential: UUID) -> None:
    message = sealed(CredentialRevoked(credential_id=credential))
    await replica.entrance.credentials.on_revoked(message)


async def test_a_session_that_ends_closes_its_sockets_and_no_others(
    replica: Replica, identity: IdentityStandIn
) -> None:
    mine = [await opened(replica, identity.bearer()) for _ in range(2)]
    stays = await opened(replica, identity.bearer(sid=str(uuid4())))
    await hear_of_end(replica, SESSION)
    assert [await ears.close_code() for ears in mine] == [4001, 4001]
    assert (await stays.subscribe("assets"))["type"] == "subscribed"


async def test_an_end_nobody_told_us_of_is_found_out(
    replica: Replica, identity: IdentityStandIn
) -> None:
    ears = await opened(replica, identity.bearer())
    identity.registry.ended.add(str(SESSION))
    await replica.entrance.credentials.ask_again()
    assert await ears.close_code() == 4001


async def test_a_token_that_runs_out_closes_its_socket(
    replica: Replica, identity: IdentityStandIn
) -> None:
    ears = await opened(replica, identity.bearer(exp=int(time.time()) + 2))
    assert await ears.close_code() == 4001


async def test_a_restart_is_told(replica: Replica, identity: IdentityStandIn) -> None:
    ears = await opened(replica, identity.bearer())
    closing = asyncio.create_task(replica.client.server.close())
    assert await ears.close_code() == 1001
    await closing


async def test_a_plain_get_is_told_what_to_speak(
    replica: Replica, identity: IdentityStandIn
) -> None:
    async with replica.client.get("/ws", headers=identity.bearer()) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "invalid_input")
    assert await refused(replica, identity.bearer(), "?since=x") == (400, "invalid_input", None)


async def test_who_has_too_many_open_is_told_when_to_come_again(
    replica: Replica, identity: IdentityStandIn
) -> None:
    replica.crowd.per_user = 1
    headers = identity.bearer()
    await opened(replica, headers)
    assert await refused(replica, headers) == (429, "too_many_sockets", "60")


async def test_without_identity_it_is_503(database: Database) -> None:
    nowhere = entrance({"identity": f"http://127.0.0.1:{unused_port()}"})
    replica = Replica(database, Broadcasts(), nowhere)
    async with replica.serving():
        asked = await refused(replica, IdentityStandIn().bearer())
    assert asked == (503, "unavailable", "1")


async def test_whoever_opens_too_many_waits_and_nobody_else(
    database: Database,
    peers: dict[str, str],
    identity: IdentityStandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MARQUEE_SOCKET_RATE", "1/minute")
    replica = Replica(database, Broadcasts(), entrance(peers))
    async with replica.serving():
        me, other = identity.bearer(sub=str(ANNA)), identity.bearer()
        await opened(replica, me)
        status, code, again = await refused(replica, me)
        assert (status, code) == (429, "too_many_requests")
        assert again
        assert 1 <= int(again) <= 60
        await opened(replica, other)
        for _ in range(2):  # whoever comes from the gateway was counted there
            await replica.connect(user=ANNA)


async def test_only_a_trusted_proxy_says_how_the_client_came(
    database: Database, peers: dict[str, str], identity: IdentityStandIn, replica: Replica
) -> None:
    bound = cookie(identity, "__Host-marquee_session")
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "marquee.example.com"}
    page = {"Origin": "https://marquee.example.com"}
    assert await refused(replica, bound | told | page) == (401, "unauthenticated", None)
    behind = Replica(database, Broadcasts(), entrance(peers, trusted_proxies="127.0.0.1"))
    async with behind.serving():
        await opened(behind, bound | told | page)
        assert (await refused(behind, cookie(identity) | told | page))[0] == 401


async def test_pages_of_the_public_address_and_allowed_ones_open_sockets(
    database: Database, peers: dict[str, str], identity: IdentityStandIn
) -> None:
    chosen = entrance(peers, public_url="https://marquee.example.com", allowed_origins=FRIEND)
    replica = Replica(database, Broadcasts(), chosen)
    async with replica.serving():
        for origin in ("https://marquee.example.com", FRIEND):
            await opened(replica, cookie(identity) | {"Origin": origin})
        for origin in (own(replica), ELSEWHERE):
            asked = await refused(replica, cookie(identity) | {"Origin": origin})
            assert asked == (403, "foreign_origin", None)


async def test_what_nobody_passed_on_is_told_of_here(
    replica: Replica, identity: IdentityStandIn
) -> None:
    with capture_logs() as logs:
        await refused(replica, {})
        async with replica.client.get("/ws", headers=replica.headers()) as answer:
            assert answer.status == 400
    told = [(log["log_level"], log["status"]) for log in logs if log["event"] == "http_request"]
    assert told == [("info", 401), ("debug", 400)]
