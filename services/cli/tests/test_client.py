"""A request is sent again where that is safe, waits where it is asked to, and fails in words."""

from __future__ import annotations

import socket

import pytest

from services.cli.client import Client, identifier
from services.cli.failures import Failed, Lost, Refused, Unreachable
from services.cli.tests.conftest import Gateway

BUSY = {"title": "Busy", "detail": "Later.", "code": "too_many_requests", "retry_after": 7}


@pytest.fixture
def pauses() -> list[float]:
    """For how long it was waited."""
    return []


@pytest.fixture
def client(gateway: Gateway, pauses: list[float]) -> Client:
    return Client(gateway.url, "token", pause=pauses.append)


def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    gateway: Gateway, client: Client
) -> None:
    gateway.hang_up()
    gateway.give(409, {"code": "idempotency_key_in_use", "detail": "It is being answered."})
    gateway.give(201, {"id": 1})
    assert client.post("/things", {"name": "a"}) == {"id": 1}
    first, *others = gateway.asked
    assert len(others) == 2
    assert all(each == first for each in others)
    assert first.headers["idempotency-key"]
    assert first.headers["authorization"] == "Bearer token"


def test_a_key_that_somebody_else_uses_is_no_lost_answer(gateway: Gateway, client: Client) -> None:
    gateway.give(409, {"code": "idempotency_key_in_use", "detail": "It is being answered."})
    with pytest.raises(Refused, match="being answered"):
        client.post("/things")


def test_who_is_asked_to_wait_waits(
    gateway: Gateway, client: Client, pauses: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.give(429, BUSY, Retry_After="7")
    gateway.give(503, b"no JSON at all", Retry_After="2")
    gateway.give(502, b"")
    gateway.give(200, {"ok": True})
    assert client.get("/things", limit=3, cursor=None) == {"ok": True}
    assert pauses == [7, 2, 2]
    assert gateway.asked[0].path == "/things?limit=3"
    assert "Later. Trying again in 7 s." in capsys.readouterr().err


def test_nobody_waits_for_ever(gateway: Gateway, client: Client, pauses: list[float]) -> None:
    gateway.give(429, BUSY | {"retry_after": 3600}, Retry_After="3600")
    with pytest.raises(Refused, match="Later") as refused:
        client.get("/things")
    assert pauses == []
    assert any("3600 seconds" in line for line in refused.value.more)


def test_a_connection_that_breaks_again_and_again_is_given_up(gateway: Gateway) -> None:
    client = Client(gateway.url, patience=0)
    gateway.hang_up()
    with pytest.raises(Lost, match="broke off") as lost:
        client.post("/things")
    assert any("It may have been done" in line for line in lost.value.more)


def test_a_problem_is_told_with_its_fields_and_trace(gateway: Gateway, client: Client) -> None:
    errors = [{"pointer": "#/user_ids/3", "detail": "No id"}, {"pointer": "#", "detail": "Odd"}]
    problem = {"detail": "#/user_ids/3: No id", "code": "invalid_input", "trace_id": "abc"}
    gateway.give(400, problem | {"errors": errors})
    with pytest.raises(Refused) as refused:
        client.get("/things")
    told = [refused.value.text, *refused.value.more]
    assert told == [
        "The input is not valid:",
        "user_ids.3: No id",
        "input: Odd",
        "(invalid_input, status 400, trace abc)",
    ]


@pytest.mark.parametrize(("status", "advice"), [(401, "marquee login"), (403, "administrator")])
def test_who_may_not_is_told_what_to_do(
    gateway: Gateway, client: Client, status: int, advice: str
) -> None:
    gateway.give(status, {"detail": "No.", "code": "no"})
    with pytest.raises(Refused) as refused:
        client.get("/things")
    assert advice in " ".join(refused.value.more)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff"])
def test_what_is_not_marquee_is_called_so(gateway: Gateway, client: Client, body: bytes) -> None:
    gateway.give(200, body)
    with pytest.raises(Failed, match="not Marquee"):
        client.get("/things")


def test_nobody_there_is_said_at_once(pauses: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"Nothing answers at {url}"):
            Client(url, pause=pauses.append).get("/things")
    assert pauses == []


def test_a_list_is_read_over_its_pages(gateway: Gateway, client: Client) -> None:
    gateway.give(200, {"items": [1] * 500, "next_cursor": "a b"})
    gateway.give(200, {"items": [2], "next_cursor": None})
    page = client.pages("/things", limit=None, query="x")
    assert (len(page["items"]), page["next_cursor"]) == (501, None)
    assert gateway.asked[1].path == "/things?limit=500&cursor=a+b&query=x"
    gateway.give(200, {"items": [1], "next_cursor": "more"})
    assert client.pages("/things", limit=1) == {"items": [1], "next_cursor": "more"}


def test_a_stream_that_breaks_off_is_no_whole_one(gateway: Gateway, client: Client) -> None:
    gateway.give(200, b"abc", Content_Length="10", Connection="close")
    with pytest.raises(Lost):
        b"".join(client.stream("/things"))


@pytest.mark.parametrize(
    ("typed", "sent"), [("a/../b", "a%2F..%2Fb"), ("", "-"), ("é?", "%C3%A9%3F")]
)
def test_an_id_is_one_part_of_a_path(typed: str, sent: str) -> None:
    assert identifier(typed) == sent
