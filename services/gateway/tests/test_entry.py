"""Browsers: the cookie, what keeps other pages from using it, keys, tickets, rates."""

from __future__ import annotations

import asyncio
import time
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import WSServerHandshakeError

from services.gateway.tests.house import KEYS, House, open_house
from shared.testing.identity import SESSION
from shared.web.csrf import PURPOSE, CsrfTokens

USERS = "/api/admin/users"
ELSEWHERE = "https://evil.example"
FRIEND = "https://admin.example.com"
TLS = {"X-Forwarded-Proto": "https"}


def csrf() -> str:
    return CsrfTokens(KEYS.derive(PURPOSE)).token(SESSION)


def cookie(house: House, name: str = "marquee_session", **claims: Any) -> dict[str, str]:
    return {"Cookie": f"{name}={house.token(**claims)}"}


def own(house: House) -> str:
    return str(house.client.make_url("")).rstrip("/")


async def test_signing_in_leaves_a_cookie_that_no_script_reads(house: House) -> None:
    answer = await house.client.post("/api/auth/login")
    [header] = answer.headers.getall("Set-Cookie")
    morsel = SimpleCookie(header)["marquee_session"]
    assert (morsel.value, morsel["max-age"], morsel["path"]) == ("a.b.c", "28800", "/")
    assert (morsel["httponly"], morsel["samesite"], morsel["secure"]) == (True, "Strict", "")


async def test_over_tls_the_cookie_is_bound_to_host_and_tls(tmp_path: Path) -> None:
    async with open_house(tmp_path, trusted_proxies="127.0.0.1") as house:
        answer = await house.client.post("/api/auth/login", headers=TLS)
        morsel = SimpleCookie(answer.headers["Set-Cookie"])["__Host-marquee_session"]
        assert (morsel["secure"], morsel["path"], morsel["domain"]) == (True, "/", "")
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        planted = cookie(house) | TLS
        assert (await house.client.get(USERS, headers=planted)).status == 401
        bound = cookie(house, "__Host-marquee_session") | TLS
        assert (await house.client.get(USERS, headers=bound)).status == 200


async def test_a_page_elsewhere_leaves_no_cookie(house: House) -> None:
    for told in ({"Origin": ELSEWHERE}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        answer = await house.client.post("/api/auth/login", headers=told)
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers


async def test_signing_out_takes_the_cookie_back(house: House) -> None:
    headers = cookie(house) | {"X-CSRF-Token": csrf()}
    answer = await house.client.post("/api/auth/logout", headers=headers)
    morsel = SimpleCookie(answer.headers["Set-Cookie"])["marquee_session"]
    assert (answer.status, morsel.value, morsel["max-age"]) == (204, "", "0")
    assert (await house.client.post("/api/auth/logout")).status == 401


async def test_a_cookie_reads_but_does_not_act_alone(house: House) -> None:
    headers = cookie(house)
    assert (await house.client.get(USERS, headers=headers)).status == 200
    for wrong in ({}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": "é"}):
        answer = await house.client.post(USERS, headers=headers | wrong)
        assert (answer.status, (await answer.json())["code"]) == (403, "csrf_token_missing")
    right = headers | {"X-CSRF-Token": csrf()}
    assert (await house.client.post(USERS, headers=right)).status == 200
    stale = cookie(house, sid=str(uuid4())) | {"X-CSRF-Token": csrf()}
    assert (await house.client.post(USERS, headers=stale)).status == 403


@pytest.mark.parametrize(
    "told",
    [
        {"Origin": ELSEWHERE},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_elsewhere_does_not_act_even_with_the_token(house: House, told: Any) -> None:
    headers = cookie(house) | {"X-CSRF-Token": csrf()} | told
    answer = await house.client.post(USERS, headers=headers)
    assert (answer.status, (await answer.json())["code"]) == (403, "foreign_origin")


async def test_bytes_that_are_no_text_are_refused_like_any_other(house: House) -> None:
    """Sent raw: no client library would."""
    session = cookie(house)["Cookie"].encode()
    for header, status in (
        (b"Cookie: marquee_session=\xff\xfe", b"401"),
        (b"Cookie: marquee_session=" + b"x" * 5000, b"401"),
        (b"Authorization: Bearer \xff", b"401"),
        (b"Authorization: Bearer mq_" + b"x" * 3000, b"401"),
        (b"Cookie: " + session + b"\r\nX-CSRF-Token: \xff", b"403"),
        (b"Cookie: " + session + b"\r\nOrigin: \xff", b"403"),
    ):
        server = house.client.server
        reader, writer = await asyncio.open_connection(server.host, server.port)
        head = b"POST " + USERS.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
        writer.write(head + header + b"\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        assert answer.split(b" ", 2)[1] == status, (header[:40], answer)


async def test_our_own_page_acts(house: House) -> None:
    for told in ({"Origin": own(house)}, {"Sec-Fetch-Site": "same-origin"}):
        headers = cookie(house) | {"X-CSRF-Token": csrf()} | told
        assert (await house.client.post(USERS, headers=headers)).status == 200


async def test_a_bearer_token_needs_no_more(house: House) -> None:
    headers = house.bearer() | {"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site"}
    assert (await house.client.post(USERS, headers=headers)).status == 200
    both = house.bearer() | cookie(house)
    assert (await house.client.post(USERS, headers=both)).status == 200


async def test_a_public_address_is_ours_and_the_one_behind_it_is_not(tmp_path: Path) -> None:
    async with open_house(tmp_path, public_url="https://marquee.example.com/") as house:
        headers = cookie(house) | {"X-CSRF-Token": csrf()}
        for origin, status in (("https://marquee.example.com", 200), (own(house), 403)):
            answer = await house.client.post(USERS, headers=headers | {"Origin": origin})
            assert answer.status == status


async def test_the_cookie_is_not_passed_on(house: House) -> None:
    answer = await house.client.get(USERS, headers=cookie(house))
    got = (await answer.json())["headers"]
    assert {"Cookie", "Authorization"}.isdisjoint(got)


async def test_a_preflight_of_an_allowed_page_is_answered(tmp_path: Path) -> None:
    async with open_house(tmp_path, allowed_origins=f"{FRIEND}, http://localhost:5173") as house:
        asked = {
            "Origin": FRIEND,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "x-csrf-token",
        }
        answer = await house.client.options("/api/admin/uploads/1", headers=asked)
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
        assert answer.headers["Access-Control-Allow-Headers"] == "x-csrf-token"
        stranger = asked | {"Origin": ELSEWHERE}
        answer = await house.client.options(USERS, headers=stranger)
        assert answer.status == 405
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_an_allowed_page_reads_answers_and_refusals(tmp_path: Path) -> None:
    async with open_house(tmp_path, allowed_origins=FRIEND) as house:
        for path, status in ((USERS, 401), ("/api/auth/session", 200), ("/nowhere", 404)):
            answer = await house.client.get(path, headers={"Origin": FRIEND})
            assert answer.status == status
            assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
            assert "Origin" in answer.headers["Vary"]
            answer = await house.client.get(path, headers={"Origin": ELSEWHERE})
            assert "Access-Control-Allow-Origin" not in answer.headers
        headers = cookie(house) | {"X-CSRF-Token": csrf(), "Origin": FRIEND}
        assert (await house.client.post(USERS, headers=headers)).status == 200


async def test_nobody_else_reads_anything_unless_asked_to(house: House) -> None:
    answer = await house.client.get("/api/auth/session", headers={"Origin": ELSEWHERE})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert "Strict-Transport-Security" not in answer.headers


async def test_only_a_trusted_proxy_says_who_the_client_is(tmp_path: Path, house: House) -> None:
    told = {"X-Forwarded-For": "198.51.100.9, 192.0.2.7, 10.0.0.3", "X-Forwarded-Proto": "https"}
    answer = await house.client.get(USERS, headers=house.bearer() | told)
    assert (await answer.json())["headers"]["X-Forwarded-For"] == "127.0.0.1"
    async with open_house(tmp_path / "b", trusted_proxies="127.0.0.0/8, 10.0.0.0/8") as behind:
        answer = await behind.client.get(USERS, headers=behind.bearer() | told)
        assert (await answer.json())["headers"]["X-Forwarded-For"] == "192.0.2.7"
        for odd in ("", "unknown", "10.0.0.3, ;drop"):
            headers = behind.bearer() | {"X-Forwarded-For": odd}
            answer = await behind.client.get(USERS, headers=headers)
            assert (await answer.json())["headers"]["X-Forwarded-For"] == "127.0.0.1"


async def test_an_api_key_acts_as_itself_until_it_ends(house: House) -> None:
    key = uuid4()
    house.registry.grant("mq_secret", key)
    headers = {"Authorization": "Bearer mq_secret"}
    answer = await house.client.post(USERS, headers=headers)
    assert answer.status == 200
    await house.hear_of_end(key)
    assert (await house.client.post(USERS, headers=headers)).status == 401


async def test_a_key_does_what_its_role_may(house: House) -> None:
    house.registry.grant("mq_small", uuid4(), role="user")
    headers = {"Authorization": "Bearer mq_small"}
    assert (await house.client.get(USERS, headers=headers)).status == 403
    unknown = {"Authorization": "Bearer mq_unknown"}
    answer = await house.client.get(USERS, headers=unknown)
    assert (answer.status, (await answer.json())["code"]) == (401, "invalid_token")


async def _handshake(house: House, path: str = "/ws", **headers: str) -> int:
    try:
        async with house.client.ws_connect(path, headers=headers) as socket:
            await socket.receive(timeout=5)
            return 101
    except WSServerHandshakeError as refused:
        return refused.status


async def test_a_ticket_opens_one_socket(house: House) -> None:
    house.registry.grant("T1", SESSION, actor=f"user:{uuid4()}", role="user")
    assert await _handshake(house, "/ws?ticket=T1") == 101
    assert "ticket" not in house.seen[-1].query
    for ticket in ("T1", "", "forged", "x" * 5000, "%00", "%FF", "%C3%A9"):
        assert await _handshake(house, f"/ws?ticket={ticket}") == 401


async def test_a_cookie_opens_a_socket_for_our_pages_only(house: House) -> None:
    signed_in = cookie(house)
    assert await _handshake(house, **signed_in, Origin=own(house)) == 101
    for told in ({"Origin": ELSEWHERE}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert await _handshake(house, **signed_in, **told) == 403


async def test_a_bearer_token_opens_a_socket_from_anywhere(house: House) -> None:
    assert await _handshake(house, **house.bearer(), Origin=ELSEWHERE) == 101


async def test_who_does_too_much_waits_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_UPLOAD_RATE", "2/minute")
    monkeypatch.setenv("MARQUEE_SOCKET_RATE", "1/minute")
    async with open_house(tmp_path) as house:
        me, other = house.bearer(sub=str(uuid4())), house.bearer(sub=str(uuid4()))
        for status in (201, 201, 429):
            answer = await house.client.post("/api/admin/assets", headers=me, data=b"x")
            assert answer.status == status
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert (await answer.json())["code"] == "too_many_requests"
        answer = await house.client.post("/api/admin/assets", headers=other, data=b"x")
        assert answer.status == 201
        assert await _handshake(house, **me) == 101
        assert await _handshake(house, **me) == 429


async def test_a_bulk_and_its_retry_count_as_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEE_BULK_RATE", "2/minute")
    async with open_house(tmp_path) as house:
        me, other = house.bearer(sub=str(uuid4())), house.bearer(sub=str(uuid4()))
        bulk, retry = "/api/admin/assets/bulk-assign", f"/api/admin/operations/{uuid4()}/retry"
        for path, who, status in (
            (bulk, me, 200),
            (retry, me, 200),
            (bulk, me, 429),
            (retry, me, 429),
            (bulk, other, 200),
        ):
            assert (await house.client.post(path, headers=who)).status == status


async def test_a_token_with_an_end_in_the_past_is_nobody_on_a_public_route(house: House) -> None:
    expired = cookie(house, exp=int(time.time()) - 1)
    answer = await house.client.get("/api/auth/session", headers=expired)
    assert "X-Actor" not in (await answer.json())["headers"]
