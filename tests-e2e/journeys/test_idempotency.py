"""``kill -9`` between a request and its answer: who asks again gets one effect, and one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import aiohttp

from harness.client import Client, Json
from harness.launch import launched
from harness.product import ADMINISTRATOR, EMAIL, PASSWORD
from harness.waiting import eventually

ASKED = 150
"""Requests that are under way when the kill comes."""

ROUNDS = 6
"""Kills at most, until one has come between a commit and its answer."""

Answer = tuple[int, bytes, bool]


async def test_what_was_killed_before_its_answer_is_answered_once(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    environment = {
        **ADMINISTRATOR,
        "MARQUEE_PORT": "0",
        "MARQUEE_DATA_DIR": str(tmp_path / "data"),
    }
    log = tmp_path / "log"
    requests: dict[str, dict[str, str]] = {}
    before: dict[str, Answer] = {}
    recovered = 0
    for number in range(ROUNDS):
        async with launched(log=log, environment=environment) as process:
            client = await _signed_in(process.url, http)
            recovered += await _ask_again(client, requests, before)
            if recovered:
                await _check_users(client, len(requests))
                assert await process.stop() == 0
                return
            fresh = {str(uuid4()): _person(number, each) for each in range(ASKED)}
            requests |= fresh
            before |= await _ask_until_killed(client, fresh, process.kill, after=5 * (number + 1))
    raise AssertionError(f"no kill of {ROUNDS} came between a commit and its answer")


def _person(number: int, each: int) -> dict[str, str]:
    return {"email": f"killed-{number}-{each}@example.com", "name": "Somebody"}


async def _signed_in(url: str, http: aiohttp.ClientSession) -> Client:
    client = Client(url, http)
    await client.log_in(EMAIL, PASSWORD)
    return client


async def _create(client: Client, key: str, person: dict[str, str]) -> Answer:
    headers = {**client.headers(), "Idempotency-Key": key}
    url = f"{client.url}/api/admin/users"
    async with client.session.post(url, json=person, headers=headers) as answer:
        return answer.status, await answer.read(), "Idempotent-Replayed" in answer.headers


async def _ask_until_killed(
    client: Client,
    requests: dict[str, dict[str, str]],
    kill: Callable[[], Awaitable[None]],
    *,
    after: int,
) -> dict[str, Answer]:
    """Ask everything at once, and kill when so many were answered; return those answers."""
    answers: dict[str, Answer] = {}
    enough = asyncio.Event()

    async def ask(key: str, person: dict[str, str]) -> None:
        answers[key] = await _create(client, key, person)
        if len(answers) >= after:
            enough.set()

    asked = [asyncio.create_task(ask(key, person)) for key, person in requests.items()]
    await asyncio.wait_for(enough.wait(), 30)
    await kill()
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert all(e is None or isinstance(e, (aiohttp.ClientError, OSError)) for e in ended), ended
    return {key: answer for key, answer in answers.items() if answer[0] == 201}


async def _ask_again(
    client: Client, requests: dict[str, dict[str, str]], before: dict[str, Answer]
) -> int:
    """Every request again, with its key; how many were done though their answer was lost."""
    lost = 0
    for key, person in requests.items():
        status, body, replayed = await _create(client, key, person)
        assert status == 201, body
        if key in before:
            assert (body, replayed) == (before[key][1], True)
        lost += replayed and key not in before
        before[key] = (status, body, replayed)
    return lost


async def _check_users(client: Client, count: int) -> None:
    """Each was created once, and each creation is in the trail once."""
    users = await _all(client, "/api/admin/users", query="killed-")
    assert len({user["email"] for user in users}) == len(users) == count

    async def told() -> None:
        entries = await _all(client, "/api/admin/audit", action="user_created")
        created = [entry["user_id"] for entry in entries]
        assert len(set(created)) == len(created)
        assert {user["id"] for user in users} <= set(created)

    await eventually(told, within=5)


async def _all(client: Client, path: str, **wanted: str) -> list[Json]:
    items: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = await client.get(path, limit=500, **wanted, **cursor)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}
