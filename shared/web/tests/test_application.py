"""What every service promises of its HTTP side."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientResponse

from shared.contracts.actor import SYSTEM
from shared.web import Health
from shared.web.actor import HEADER, ActorSeal, Claims

SOMEONE = "019a9d3c-5c00-7000-8000-000000000001"
GOOD = {"name": "a lamp", "owner": "ada@example.com"}


async def problem(answer: ClientResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document, which must be complete."""
    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/problem+json"
    told: dict[str, Any] = await answer.json()
    expected = {"type", "title", "status", "detail", "instance", "code", "trace_id"}
    assert expected <= told.keys()
    assert (told["status"], told["code"]) == (status, code)
    return told


async def test_a_valid_request_is_answered(client: Any, signed_in: Any) -> None:
    answer = await client.post("/api/things", json=GOOD, headers=signed_in())
    assert answer.status == 201
    assert await answer.json() == {
        "id": SOMEONE,
        "name": "a lamp",
        "made_at": "2026-01-31T12:00:00.000000Z",
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_nobody_is_401_before_anything_is_parsed(client: Any) -> None:
    answer = await client.get("/api/things/not-a-uuid")
    await problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_user_is_403_whatever_the_id(client: Any, signed_in: Any) -> None:
    for ident in (SOMEONE, uuid4(), "not-a-uuid"):
        answer = await client.get(f"/api/things/{ident}", headers=signed_in("user"))
        await problem(answer, 403, "forbidden")


async def test_a_forged_or_expired_actor_is_nobody(client: Any, seal: ActorSeal) -> None:
    stranger = ActorSeal(b"another key", time.time)
    claims = Claims("acme", SYSTEM, "admin", time.time() + 60)
    expired = Claims("acme", SYSTEM, "admin", time.time() - 1)
    for header in (stranger.sign(claims), seal.sign(expired), "", "x", "é.é", "."):
        answer = await client.get(f"/api/things/{SOMEONE}", headers={HEADER: header})
        await problem(answer, 401, "unauthenticated")


async def test_what_is_not_there_is_404(client: Any, signed_in: Any) -> None:
    answer = await client.get(f"/api/things/{uuid4()}", headers=signed_in())
    await problem(answer, 404, "thing_not_found")
    await problem(await client.get("/nowhere"), 404, "not_found")


async def test_a_wrong_method_names_the_right_ones(client: Any) -> None:
    answer = await client.put("/api/things", json={})
    await problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


JSON = "application/json"
BAD_BODIES: list[tuple[bytes, str, int, set[str]]] = [
    (b"", JSON, 400, {"#"}),
    (b"{", JSON, 400, {"#"}),
    (b"not json", "text/plain", 400, {"#"}),
    (b"[]", JSON, 400, {"#"}),
    (b'"\xff"', JSON, 400, {"#"}),
    (b"{}", JSON, 400, {"#/name", "#/owner"}),
    (b'{"name":"","owner":"x","tags":[1]}', JSON, 400, {"#/name", "#/owner", "#/tags/0"}),
    (b'{"name":"a\\u0000","owner":"a@example.com"}', JSON, 400, {"#/name"}),
    (b"{}", "text/plain", 415, set()),
    (b"<a/>", "application/xml", 415, set()),
    (b" " * 10_001, JSON, 413, set()),
]
CODES = {400: "invalid_input", 413: "body_too_large", 415: "unsupported_media_type"}


@pytest.mark.parametrize("bad", BAD_BODIES)
async def test_a_bad_body_is_refused_with_its_place(
    client: Any, signed_in: Any, bad: tuple[bytes, str, int, set[str]]
) -> None:
    body, content_type, status, pointers = bad
    headers = {**signed_in(), "Content-Type": content_type}
    answer = await client.post("/api/things", data=body, headers=headers)
    told = await problem(answer, status, CODES[status])
    assert {each["pointer"] for each in told.get("errors", [])} == pointers


async def test_an_optional_body_may_be_absent(client: Any, signed_in: Any) -> None:
    path = f"/api/things/{SOMEONE}"
    answer = await client.delete(path, headers=signed_in())
    assert (answer.status, answer.headers["X-Reason"]) == (204, "None")
    answer = await client.delete(path, json={"reason": "dusty"}, headers=signed_in())
    assert (answer.status, answer.headers["X-Reason"]) == (204, "dusty")


async def test_a_malformed_id_is_400(client: Any, signed_in: Any) -> None:
    told = await problem(
        await client.get("/api/things/7", headers=signed_in()), 400, "invalid_input"
    )
    assert told["errors"][0]["pointer"] == "#/thing_id"


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "", "1e9", "9" * 5000])
async def test_a_limit_out_of_range_is_refused_never_clamped(
    client: Any, signed_in: Any, limit: str
) -> None:
    answer = await client.get("/api/things", params={"limit": limit}, headers=signed_in("user"))
    told = await problem(answer, 400, "invalid_input")
    assert told["errors"][0]["pointer"] == "#/limit"


async def test_what_is_given_twice_is_refused_not_chosen_from(client: Any, signed_in: Any) -> None:
    answer = await client.get("/api/things?limit=1&limit=2", headers=signed_in("user"))
    told = await problem(answer, 400, "invalid_input")
    assert told["errors"][0] == {"pointer": "#/limit", "detail": "is given more than once"}


async def test_pages_link_to_the_next(client: Any, signed_in: Any) -> None:
    query = {"limit": "2", "name": "a&b", "unknown": "is ignored"}
    answer = await client.get("/api/things", params=query, headers=signed_in("user"))
    page = await answer.json()
    assert len(page["items"]) == 2
    following = answer.links["next"]["url"]
    assert following.query["cursor"] == page["next_cursor"]
    assert following.query["name"] == "a&b"
    assert (await client.get(following.path_qs, headers=signed_in("user"))).status == 200


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "a" * 3000, "MjAyNi0wMS0zMVQxMjowMDowMA"])
async def test_a_cursor_of_another_maker_is_400(client: Any, signed_in: Any, cursor: str) -> None:
    answer = await client.get("/api/things", params={"cursor": cursor}, headers=signed_in("user"))
    await problem(answer, 400, "invalid_input")


async def test_the_trace_of_the_caller_is_continued(client: Any, signed_in: Any) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", "X-Request-ID": "asked-once"}
    answer = await client.get("/api/me", headers=signed_in("user") | headers)
    told = await answer.json()
    assert answer.headers["X-Request-ID"] == told["correlation_id"] == "asked-once"
    assert told["traceparent"].split("-")[1] == trace_id
    assert (told["actor"], told["tenant"], told["role"]) == (f"user:{SOMEONE}", "acme", "user")
    refused = await problem(await client.get("/nowhere", headers=headers), 404, "not_found")
    assert refused["trace_id"] == trace_id


@pytest.mark.parametrize("given", ["", "00-0-0-0", f"00-{'0' * 32}-{'0' * 16}-01", "é", "x" * 9000])
async def test_a_trace_that_is_none_is_replaced(client: Any, given: str) -> None:
    headers = {"traceparent": given, "X-Request-ID": given[:200]}
    answer = await client.get("/nowhere", headers=headers)
    if answer.status != 400:  # a header line can be too long for any server
        told = await problem(answer, 404, "not_found")
        assert len(told["trace_id"]) == 32


async def test_a_bug_is_500_and_tells_nothing(client: Any) -> None:
    answer = await client.get("/api/fails/bug")
    told = await problem(answer, 500, "internal_error")
    assert "secret" not in str(told)


async def test_a_database_that_is_away_is_503(client: Any) -> None:
    answer = await client.get("/api/fails/database")
    await problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_live_and_measured(client: Any, health: Health) -> None:
    assert (await client.get("/livez")).status == 200
    assert (await client.get("/readyz")).status == 503
    health.phase = "up"
    assert await (await client.get("/readyz")).json() == {"status": "ok", "down": []}
    for path in ("/api/things", "/nowhere"):
        await client.get(path)
    text = await (await client.get("/metrics")).text()
    wanted = 'marquee_http_request_duration_seconds_count{method="GET",route="/api/things"'
    assert wanted in text
    assert 'route="unmatched"' in text
