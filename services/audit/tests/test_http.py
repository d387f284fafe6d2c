"""What the trail answers, and to whom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.audit import http
from services.audit.domain import checkpoint
from services.audit.domain.checkpoint import Checkpoint
from services.audit.domain.merkle import leaf_hash, root_by_inclusion
from services.audit.tests.conftest import KEY, Trail, World
from shared.blobs.signing import MediaSigner
from shared.contracts.envelope import rfc3339
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.web.application import application

SIGNER = MediaSigner(b"media", lambda: 1_777_896_000.0)
KIM = UUID("0198c0de-0000-7000-8000-00000000000a")
WAVES, STARS = new_id(), new_id()

HISTORY = f"/api/admin/users/{KIM}/assignment-history"
AUDIT = "/api/admin/audit"
VERIFY = "/api/admin/audit/verify"
EXPORT = "/api/admin/audit/export"

Get = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def get(trail: Trail) -> AsyncIterator[Get]:
    """Ask the service; the status and the parsed body."""
    routes = http.routes.given(trail.parts(SIGNER))
    server = TestServer(application("audit", [routes], seal=SEAL))
    async with TestClient(server) as client:

        async def ask(
            path: str, headers: dict[str, str] | None = None, **query: Any
        ) -> tuple[int, Any]:
            asked = [
                (name.removesuffix("_"), str(each))
                for name, value in query.items()
                for each in (value if isinstance(value, list) else [value])
            ]
            given = signed() if headers is None else headers
            async with client.get(path, params=asked, headers=given) as answer:
                return answer.status, await answer.json()

        yield ask


async def a_story(trail: Trail, world: World) -> None:
    """Kim gets waves, then stars, which is undone."""
    await trail.hear(
        world.user(world.admin, "Ada", role="admin"),
        world.user(KIM),
        world.asset(WAVES),
        world.asset(STARS, "Stars"),
        world.thumbnail(WAVES, "1"),
        world.assigned(KIM, WAVES),
        world.assigned(KIM, STARS, previous_asset_id=WAVES),
        world.unassigned(KIM, STARS, previous_asset_id=WAVES, restored_asset_id=WAVES),
        world.assigned(KIM, WAVES, restored_from=new_id()),
    )


@pytest.mark.parametrize("path", [HISTORY, AUDIT, VERIFY, EXPORT])
async def test_nobody_asks_unknown_or_as_a_user(get: Get, path: str) -> None:
    assert (await get(path, headers={}, limit="x"))[0] == 401
    assert (await get(path, headers=signed("user"), limit="x"))[0] == 403


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/admin/users/kim/assignment-history", {}),
        *((path, {"limit": limit}) for path in (HISTORY, AUDIT) for limit in (0, 501, -1, "ten")),
        *((path, {"action": "deleted"}) for path in (HISTORY, AUDIT)),
        *((path, {"from_": text}) for path in (HISTORY, AUDIT) for text in ("noon", "1777896000x")),
        (AUDIT, {"to": "9999-12-31T23:59:59-10:00"}),
        (HISTORY, {"offset": -1}),
        (HISTORY, {"offset": 10**30}),
        (AUDIT, {"order": "up"}),
        (AUDIT, {"user_id": "kim"}),
        (AUDIT, {"cursor": "#"}),
        (AUDIT, {"cursor": "MjAyNg"}),
        (VERIFY, {"checkpoint": "a note"}),
        (VERIFY, {"checkpoint": "x" * 1001}),
        *((VERIFY, {"seq": seq}) for seq in (0, -1, "one", 2**63)),
        (VERIFY, {"from_seq": 5, "to_seq": 4}),
        (VERIFY, {"to_seq": 0}),
        (VERIFY, {"seq": 1, "from_seq": 1}),
        (VERIFY, {"seq": 1, "checkpoint": "a note"}),
        (EXPORT, {"format": "xml"}),
        (EXPORT, {"user_id": "kim"}),
        (EXPORT, {"action": "deleted"}),
    ],
)
async def test_malformed_questions_are_refused(get: Get, path: str, query: dict[str, Any]) -> None:
    status, problem = await get(path, **query)
    assert (status, problem["status"]) == (400, 400)


async def test_the_history_of_nobody_is_not_found(get: Get, trail: Trail, world: World) -> None:
    await trail.hear(world.user(KIM))
    for stranger in (uuid4(), UUID("0198c0de-0000-7000-8000-000000000000")):
        began = time.monotonic()
        status, problem = await get(f"/api/admin/users/{stranger}/assignment-history")
        assert (status, problem["code"]) == (404, "user_not_found")
        assert time.monotonic() - began < 1
    assert (await get(HISTORY, headers=signed(tenant="other")))[0] == 404


async def test_a_user_created_a_moment_ago_is_waited_for(
    get: Get, trail: Trail, world: World
) -> None:
    young = new_id()
    asked = asyncio.ensure_future(get(f"/api/admin/users/{young}/assignment-history"))
    answered, _ = await asyncio.wait({asked}, timeout=0.2)
    assert not answered
    await trail.hear(world.user(young))
    status, answer = await asked
    assert (status, answer["history"]) == (200, [])


async def test_the_history_is_newest_first_with_asset_and_admin(
    get: Get, trail: Trail, world: World
) -> None:
    await a_story(trail, world)
    status, answer = await get(HISTORY)
    assert status == 200
    assert (answer["total"], answer["limit"], answer["offset"]) == (3, 50, 0)
    assert [entry["action"] for entry in answer["history"]] == ["undone", "assigned", "assigned"]
    first = answer["history"][-1]
    assert (first["user_id"], first["asset_id"]) == (str(KIM), str(WAVES))
    thumbnail = SIGNER.url(WAVES, "thumbnail", f"default/renditions/{WAVES}/1/thumbnail.jpg")
    assert first["asset"] == {"id": str(WAVES), "title": "Waves", "thumbnail_url": thumbnail}
    assert first["admin"] == {
        "id": str(world.admin),
        "kind": "user",
        "name": "Ada",
        "email": "ada@example.com",
    }
    assert first["performed_by"] == str(world.admin)
    assert first["performed_at"].endswith(".000000Z")
    assert answer["history"][0]["asset"] == {
        "id": str(STARS),
        "title": "Stars",
        "thumbnail_url": None,
    }


async def test_ten_thousand_entries_of_one_user_are_paged_to_their_end(
    get: Get, trail: Trail, world: World
) -> None:
    await trail.hear(world.user(KIM))
    for _ in range(50):
        await trail.hear(*(world.assigned(KIM, WAVES) for _ in range(200)))

    began = time.monotonic()
    _, newest = await get(HISTORY, limit=500)
    _, oldest = await get(HISTORY, limit=500, offset=9500)

    assert time.monotonic() - began < 2, "a thousand entries in a second, on a busy machine"
    assert newest["total"] == oldest["total"] == 10_000
    assert [entry["seq"] for entry in newest["history"]] == list(range(10_001, 9_501, -1))
    assert [entry["seq"] for entry in oldest["history"]] == list(range(501, 1, -1))


async def test_the_history_can_be_filtered_and_paged(get: Get, trail: Trail, world: World) -> None:
    await a_story(trail, world)
    _, everything = await get(HISTORY)
    _, page = await get(HISTORY, limit=1, offset=1)
    assert (page["history"], page["total"]) == (everything["history"][1:2], 3)
    _, beyond = await get(HISTORY, offset=3)
    assert (beyond["history"], beyond["total"]) == ([], 3)
    _, undone = await get(HISTORY, action="undone")
    assert (len(undone["history"]), undone["total"]) == (1, 1)
    moment = everything["history"][1]["performed_at"]
    _, exactly = await get(HISTORY, from_=moment, to=moment)
    assert exactly["history"] == everything["history"][1:2]


async def test_the_trail_holds_everything_oldest_first(
    get: Get, trail: Trail, world: World
) -> None:
    await a_story(trail, world)
    status, answer = await get(AUDIT)
    assert (status, answer["next_cursor"]) == (200, None)
    assert [entry["seq"] for entry in answer["items"]] == list(range(1, 8))
    assert answer["items"][0]["admin"]["name"] == "System"
    _, newest = await get(AUDIT, order="desc")
    assert newest["items"] == answer["items"][::-1]


async def test_the_trail_can_be_filtered_by_all_it_names(
    get: Get, trail: Trail, world: World
) -> None:
    await a_story(trail, world)
    _, everything = await get(AUDIT)
    filters: dict[str, Any] = {
        "user_id": KIM,
        "asset_id": WAVES,
        "action": "assigned",
        "performed_by": world.admin,
    }
    for name, value in filters.items():
        _, answer = await get(AUDIT, **{name: value})
        expected = [entry for entry in everything["items"] if entry[name] == str(value)]
        assert answer["items"] == expected
        assert expected
    later = rfc3339(world.time - timedelta(seconds=2))
    _, answer = await get(AUDIT, **filters, from_=later)
    assert answer["items"] == []
    _, answer = await get(AUDIT, action="reverted")
    assert answer["items"] == []
    _, answer = await get(AUDIT, to="2026-05-04")
    assert answer["items"] == []


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_stay_together_while_entries_are_added(
    get: Get, trail: Trail, world: World, order: str
) -> None:
    moment = world.time
    for _ in range(10):
        world.time = moment  # all at once, so that only ``seq`` tells them apart
        await trail.hear(world.assigned(KIM, WAVES))
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        _, page = await get(AUDIT, order=order, limit=3, **cursor)
        seen += [entry["seq"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        if order == "desc":
            await trail.hear(world.assigned(KIM, WAVES))
    assert seen == (list(range(1, 11)) if order == "asc" else list(range(10, 0, -1)))


SOUND = {
    "archived_entries": 0,
    "restorations": 0,
    "ok": True,
    "first_bad": None,
    "until": None,
    "reason": None,
    "inclusion": None,
    "consistency": None,
}


async def test_a_sound_trail_is_verified_and_signed(get: Get, trail: Trail, world: World) -> None:
    await a_story(trail, world)
    status, answer = await get(VERIFY)
    assert status == 200
    note = answer.pop("checkpoint")
    assert answer == SOUND | {"entries": 7}
    assert checkpoint.read(note, "default", KEY.public_key()).size == 7


async def test_an_empty_trail_is_sound_and_signed(get: Get) -> None:
    _, answer = await get(VERIFY)
    note = answer.pop("checkpoint")
    assert answer == SOUND | {"entries": 0}
    assert checkpoint.read(note, "default", KEY.public_key()) == Checkpoint("default")
    assert (await get(VERIFY, checkpoint=note))[1]["ok"]
    assert (await get(VERIFY, seq=1))[0] == 404


async def test_a_changed_trail_is_told_where_and_how(get: Get, trail: Trail, world: World) -> None:
    await a_story(trail, world)
    await trail.tamper("update audit.assignment_history set reason = 'agreed' where seq = 2")
    _, answer = await get(VERIFY)
    assert answer == SOUND | {
        "ok": False,
        "entries": 7,
        "first_bad": 2,
        "reason": "edited",
        "checkpoint": None,
    }


async def test_a_part_is_verified_by_itself(get: Get, trail: Trail, world: World) -> None:
    await a_story(trail, world)
    await get(VERIFY)
    await trail.tamper("update audit.assignment_history set reason = 'agreed' where seq = 2")
    for query, entries in (({"from_seq": 3}, 5), ({"from_seq": 4, "to_seq": 5}, 2)):
        _, answer = await get(VERIFY, **query)
        assert (answer["ok"], answer["entries"]) == (True, entries)
    for query in ({"to_seq": 4}, {"from_seq": 2, "to_seq": 2}):
        _, answer = await get(VERIFY, **query)
        assert (answer["ok"], answer["first_bad"], answer["reason"]) == (False, 2, "edited")
    assert (await get(VERIFY, from_seq=8))[1]["code"] == "entry_not_found"
    await trail.cut(5)
    _, answer = await get(VERIFY, from_seq=4)
    assert (answer["ok"], answer["first_bad"], answer["reason"]) == (False, 6, "missing")


async def test_one_entry_is_proven_to_be_there(get: Get, trail: Trail, world: World) -> None:
    await a_story(trail, world)
    _, answer = await get(VERIFY, seq=3)
    signed = checkpoint.read(answer["checkpoint"], "default", KEY.public_key())
    proven = answer["inclusion"]
    leaf, proof = bytes.fromhex(proven["hash"]), map(bytes.fromhex, proven["proof"])
    assert root_by_inclusion(2, signed.size, leaf_hash(leaf), proof) == signed.root
    assert (await get(VERIFY, seq=8))[1]["code"] == "entry_not_found"
    await trail.tamper("update audit.assignment_history set reason = 'agreed' where seq = 3")
    _, answer = await get(VERIFY, seq=3)
    assert (answer["ok"], answer["first_bad"], answer["reason"]) == (False, 3, "edited")


async def test_a_trail_is_proven_to_continue_a_checkpoint(
    get: Get, trail: Trail, world: World
) -> None:
    await trail.grow(world, 300)
    earlier = (await get(VERIFY))[1]["checkpoint"]
    await trail.grow(world, 250)
    later = (await get(VERIFY))[1]["checkpoint"]
    await trail.grow(world, 3)
    for kept, second in (({"checkpoint": earlier}, 553), ({"checkpoint": [later, earlier]}, 550)):
        _, answer = await get(VERIFY, **kept)
        assert answer["ok"]
        proof = answer["consistency"]
        assert (proof["first"], proof["second"]) == (300, second)
        assert proof["proof"]


async def test_checkpoints_of_another_tenant_are_refused(get: Get, trail: Trail) -> None:
    _, answer = await get(VERIFY, headers=signed(tenant="other"))
    status, problem = await get(VERIFY, checkpoint=answer["checkpoint"])
    assert (status, problem["code"]) == (400, "checkpoint_forged")


async def test_the_public_key_is_for_everybody(get: Get) -> None:
    status, answer = await get("/.well-known/audit-key", headers={})
    assert status == 200
    assert answer == {"algorithm": "Ed25519", "public_key": checkpoint.public_key(KEY)}


async def test_a_bulk_is_one_line_of_the_trail_unless_it_is_expanded(
    get: Get, trail: Trail, world: World
) -> None:
    users = [KIM, new_id(), new_id()]
    await trail.hear(world.user(KIM), *world.bulk(users, WAVES))

    async def listed(**query: Any) -> list[tuple[str, str | None]]:
        _, page = await get(AUDIT, action="bulk_assigned", **query)
        return [(item["action"], item["user_id"]) for item in page["items"]]

    each = [("bulk_assigned", str(user)) for user in users]
    header = ("bulk_assigned", None)
    assert await listed() == await listed(asset_id=WAVES) == [header]
    assert await listed(expand=1) == [*each, header]
    assert await listed(user_id=KIM) == each[:1]
    _, history = await get(HISTORY)
    assert [entry["action"] for entry in history["history"]] == ["bulk_assigned"]
