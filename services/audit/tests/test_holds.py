"""While a hold covers it, nothing leaves the database; and who held it is in the trail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.audit import archives, http
from services.audit.archives import StillNeeded
from services.audit.tests.conftest import NOON, Trail, World
from shared.blobs.signing import MediaSigner
from shared.contracts.context import Context
from shared.contracts.envelope import rfc3339
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.web.application import application

HOLDS = "/api/admin/audit/holds"
KIM, WAVES = new_id(), new_id()

Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def ask(trail: Trail) -> AsyncIterator[Ask]:
    """Ask the service; the status and the parsed body."""
    parts = trail.parts(MediaSigner(b"media", lambda: 0.0))
    routes = [each.given(parts) for each in http.ROUTES]
    async with TestClient(TestServer(application("audit", routes, seal=SEAL))) as client:

        async def asked(
            method: str,
            path: str,
            body: Any = None,
            headers: dict[str, str] | None = None,
            **query: str,
        ) -> tuple[int, Any]:
            given = signed() if headers is None else headers
            async with client.request(
                method, path, json=body, params=query, headers=given
            ) as answer:
                return answer.status, await answer.json()

        yield asked


@pytest.fixture
async def old(trail: Trail, world: World) -> Trail:
    """A trail with Kim and waves in entry 404 of 701, all but four of them over a year old."""
    trail.databases.clock.offset = timedelta(days=-430)
    await trail.hear(world.user(KIM), world.asset(WAVES))
    await trail.grow(world, 401)
    await trail.hear(world.assigned(KIM, WAVES))
    await trail.grow(world, 296)
    trail.databases.clock.offset = timedelta(0)
    await trail.grow(world, 1)
    return trail


async def placed(ask: Ask, **hold: Any) -> dict[str, Any]:
    """A hold."""
    status, body = await ask("POST", HOLDS, {"reason": "Case 17", **hold})
    assert status == 201, body
    held: dict[str, Any] = body
    return held


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", HOLDS),
        ("GET", HOLDS),
        ("GET", f"{HOLDS}/{uuid4()}"),
        ("DELETE", f"{HOLDS}/{uuid4()}"),
        ("GET", "/api/admin/audit/archives"),
        ("GET", f"/api/admin/audit/archives/{uuid4()}"),
        ("GET", "/api/admin/audit/retention"),
        ("GET", "/api/admin/audit/restorations"),
        ("POST", "/api/admin/audit/restorations"),
    ],
    ids=lambda part: part.rpartition("audit/")[2].partition("/")[0],
)
async def test_nobody_asks_unknown_or_as_a_user(ask: Ask, method: str, path: str) -> None:
    assert (await ask(method, path, headers={}, limit="x"))[0] == 401
    assert (await ask(method, path, headers=signed("user"), limit="x"))[0] == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": " "},
        {"reason": "x" * 2001},
        {"reason": "x", "user_id": "kim"},
        {"reason": "x", "from": "noon"},
        {"reason": "x", "from": 5},
        {"reason": "x", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
    ],
    ids=str,
)
async def test_a_malformed_hold_is_refused(ask: Ask, body: dict[str, Any]) -> None:
    assert (await ask("POST", HOLDS, body))[0] == 400
    assert (await ask("GET", HOLDS))[1]["items"] == []


async def test_nobody_unknown_is_held(ask: Ask) -> None:
    stranger = str(uuid4())
    for name, code in (("user_id", "user_not_found"), ("asset_id", "asset_not_found")):
        status, problem = await ask("POST", HOLDS, {"reason": "x", name: stranger})
        assert (status, problem["code"]) == (404, code)


async def test_a_hold_is_placed_and_released_once_and_the_trail_tells_of_both(
    old: Trail, ask: Ask
) -> None:
    hold = await placed(ask, user_id=str(KIM), to=rfc3339(NOON + timedelta(days=1)))
    assert (hold["user_id"], hold["asset_id"], hold["from"]) == (str(KIM), None, None)
    assert (await ask("GET", f"{HOLDS}/{hold['id']}"))[1] == hold
    assert (await ask("GET", HOLDS, active="true"))[1]["items"] == [hold]
    path = f"{HOLDS}/{hold['id']}"
    assert (await ask("DELETE", path))[0] == 400  # without a reason
    status, released = await ask("DELETE", path, reason="It was settled.")
    assert (status, released["release_reason"]) == (200, "It was settled.")
    status, problem = await ask("DELETE", path, reason="Once more.")
    assert (status, problem["code"]) == (409, "hold_released")
    assert (await ask("GET", HOLDS, active="true"))[1]["items"] == []
    assert (await ask("GET", HOLDS, active="false"))[1]["items"] == [released]
    assert (await ask("DELETE", f"{HOLDS}/{uuid4()}", reason="x"))[0] == 404
    told = await old.entries(user_id=KIM)
    assert [each["action"] for each in told[-2:]] == ["hold_placed", "hold_released"]
    assert [each["reason"] for each in told[-2:]] == ["Case 17", "It was settled."]
    assert {each["metadata"]["hold_id"] for each in told[-2:]} == {hold["id"]}
    by = [str(each["performed_by"]) for each in told[-2:]]
    assert by == [hold["placed_by"], released["released_by"]]
    assert (await old.examine()).ok


async def test_a_hold_is_placed_once_for_a_key(old: Trail, ask: Ask) -> None:
    headers = {**signed(), "Idempotency-Key": "17"}
    first = await ask("POST", HOLDS, {"reason": "Case 17"}, headers=headers)
    assert await ask("POST", HOLDS, {"reason": "Case 17"}, headers=headers) == first
    assert len((await ask("GET", HOLDS))[1]["items"]) == 1


@pytest.mark.parametrize(
    "hold",
    [
        {},
        {"user_id": str(KIM)},
        {"asset_id": str(WAVES)},
        {"user_id": str(KIM), "asset_id": str(WAVES)},
    ],
    ids=["all", "user", "asset", "both"],
)
async def test_what_is_held_stays_and_all_after_it(
    old: Trail, ask: Ask, hold: dict[str, str]
) -> None:
    held = await placed(ask, **hold)
    assert await old.archivist.look()
    first = 1 if len(hold) < 2 else 257  # Kim's and waves' own beginnings are held too
    assert (await old.online())[0] == first
    _, told = await ask("GET", "/api/admin/audit/retention")
    assert told["last_run"]["outcome"] == "held"
    assert told["holds"]["active"] == 1
    assert told["holds"]["first_held_seq"] == {0: 1, 2: 404}.get(
        len(hold), 1 + ("asset_id" in hold)
    )
    await ask("DELETE", f"{HOLDS}/{held['id']}", reason="It was settled.")
    assert await old.archivist.look()
    assert (await old.online())[0] == 513


async def test_a_hold_on_another_time_keeps_nothing(old: Trail, ask: Ask) -> None:
    await placed(ask, user_id=str(KIM), **{"from": rfc3339(NOON + timedelta(days=900))})
    await placed(ask, to=rfc3339(NOON - timedelta(days=900)))
    assert await old.archivist.look()
    assert (await old.online())[0] == 513


async def test_a_hold_that_comes_after_the_file_still_keeps_its_entries(
    old: Trail, ask: Ask
) -> None:
    await old.archivist.archive_next("default")
    (archive,) = await old.archived()
    await placed(ask, user_id=str(KIM))
    with pytest.raises(StillNeeded):
        await old.archivist.archive_next("default")
    assert (await old.online())[0] == 1
    assert (await ask("GET", "/api/admin/audit/archives"))[1]["items"][0]["online"]
    async with old.database.transaction(Context("default")) as tx:
        with pytest.raises(StillNeeded, match="under a legal hold"):
            await archives.remove(tx, archive)


async def test_a_hold_and_a_removal_take_turns(old: Trail, ask: Ask) -> None:
    """Either the hold is there first and nothing goes, or what it was on is archived already."""
    await old.archivist.archive_next("default")
    hold, _ = await asyncio.gather(placed(ask), old.archivist.look())
    told = await old.entries()
    order = [each["action"] for each in told if each["action"].startswith(("hold", "entries"))]
    removed = (await old.online())[0] == 513
    assert order == (["entries_archived", "hold_placed"] if removed else ["hold_placed"])
    assert hold["released_at"] is None


@pytest.mark.parametrize(
    "change",
    [
        "update audit.legal_holds set reason = 'other'",
        "update audit.legal_holds set released_at = null",
        "delete from audit.legal_holds",
        "truncate audit.legal_holds",
    ],
)
async def test_a_hold_cannot_be_changed_otherwise(old: Trail, ask: Ask, change: str) -> None:
    hold = await placed(ask)
    await ask("DELETE", f"{HOLDS}/{hold['id']}", reason="It was settled.")
    with pytest.raises(asyncpg.RestrictViolationError):
        await old.databases.as_admin(change)


async def test_another_tenant_sees_and_holds_nothing_of_it(old: Trail, ask: Ask) -> None:
    hold = await placed(ask)
    other = signed(tenant="other")
    assert (await ask("GET", HOLDS, headers=other))[1]["items"] == []
    assert (await ask("GET", f"{HOLDS}/{hold['id']}", headers=other))[0] == 404
    await ask("POST", HOLDS, {"reason": "ours"}, headers=other)
    await ask("DELETE", f"{HOLDS}/{hold['id']}", reason="It was settled.")
    assert await old.archivist.look()
    assert (await old.online())[0] == 513
