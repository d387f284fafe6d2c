"""What is archived can still be read, exported and verified, and a change of it is found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.audit import http
from services.audit.export import Export
from services.audit.offline import verify_file
from services.audit.queries import Search
from services.audit.tests.conftest import KEY, Trail, World
from services.audit.views import Verified
from shared.blobs.signing import MediaSigner
from shared.contracts.context import Context
from shared.contracts.envelope import rfc3339
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.web.application import application

AUDIT = "/api/admin/audit"
PUBLIC = KEY.public_key()
KIM = new_id()

Get = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def old(trail: Trail, world: World) -> Trail:
    """A trail whose entries 1 to 512 are archived, in two files; Kim is in 301, 603 and 604."""
    trail.databases.clock.offset = timedelta(days=-465)
    await trail.grow(world, 300)
    await trail.hear(world.assigned(KIM, new_id()))
    await trail.grow_old(world, 300)
    await trail.hear(world.user(KIM), world.assigned(KIM, new_id()))
    assert await trail.archivist.look()
    return trail


@pytest.fixture
async def client(trail: Trail) -> AsyncIterator[TestClient]:
    """Whoever asks the service."""
    parts = trail.parts(MediaSigner(b"media", lambda: 0.0))
    routes = [each.given(parts) for each in http.ROUTES]
    async with TestClient(TestServer(application("audit", routes, seal=SEAL))) as asking:
        yield asking


@pytest.fixture
def get(client: TestClient) -> Get:
    """Ask; the status and the body."""

    async def ask(path: str, **query: Any) -> tuple[int, Any]:
        asked = {name.removesuffix("_"): str(value) for name, value in query.items()}
        async with client.get(path, params=asked, headers=signed()) as answer:
            if answer.content_type.endswith("json"):
                return answer.status, await answer.json()
            return answer.status, await answer.read()

    return ask


def lines(body: bytes) -> list[dict[str, Any]]:
    """What is on each line."""
    return [json.loads(line) for line in body.splitlines()]


def written(path: Path, body: bytes) -> Path:
    """A file of it."""
    path.write_bytes(body)
    return path


async def test_archives_are_listed_and_can_be_taken_away(
    old: Trail, get: Get, tmp_path: Path
) -> None:
    _, page = await get(f"{AUDIT}/archives", limit=1)
    _, rest = await get(f"{AUDIT}/archives", cursor=page["next_cursor"])
    (second,), (first,) = page["items"], rest["items"]
    assert rest["next_cursor"] is None
    assert [(each["first_seq"], each["last_seq"]) for each in (first, second)] == [
        (1, 256),
        (257, 512),
    ]
    assert not first["online"]
    files = []
    for each in (first, second):
        status, body = await get(each["url"])
        assert (status, len(body)) == (200, each["size_bytes"])
        files.append(written(tmp_path / each["id"], body))
    _, body = await get(f"{AUDIT}/export", archived="false")
    files.append(written(tmp_path / "rest", body))
    one, two, three = (verify_file(file, PUBLIC) for file in files)
    assert (one.entries, two.entries, three.entries) == (256, 256, 94)
    assert two.continues(one)
    assert three.continues(two)
    assert not three.continues(one)
    assert (await get(f"{AUDIT}/archives/{uuid4()}"))[0] == 404


async def test_an_export_holds_what_is_archived_too(old: Trail, get: Get, tmp_path: Path) -> None:
    _, body = await get(f"{AUDIT}/export")
    verified = verify_file(written(tmp_path / "all", body), PUBLIC)
    assert (verified.entries, verified.follows.size) == (606, 0)
    _, body = await get(f"{AUDIT}/export", user_id=KIM)
    *entries, _ = lines(body)
    assert [entry["seq"] for entry in entries] == [301, 603, 604]
    assert verify_file(written(tmp_path / "kims", body), PUBLIC).entries == 3
    _, body = await get(f"{AUDIT}/export", user_id=KIM, archived="false")
    assert [entry.get("seq") for entry in lines(body)] == [603, 604, None]
    _, body = await get(f"{AUDIT}/export", user_id=KIM, format="csv")
    assert len(body.splitlines()) == 4


async def test_a_time_is_exported_wherever_its_entries_are(old: Trail, get: Get) -> None:
    at = lines((await get(f"{AUDIT}/export"))[1])[300]["performed_at"]
    _, body = await get(f"{AUDIT}/export", from_=at, to=at)
    assert [entry["seq"] for entry in lines(body)[:-1]] == [301]


async def test_what_is_archived_during_an_export_is_in_it(trail: Trail, world: World) -> None:
    await trail.grow_old(world, 600)
    note = await trail.notary.checkpoint("default")
    signed_last = await trail.notary.latest("default")
    context = Context("default")
    reading = Export(trail.database, trail.shelf, context, Search(), signed_last).jsonl(note)
    begun = await anext(reading)
    await trail.archivist.look()
    body = begun + b"".join([each async for each in reading])
    assert [each["seq"] for each in lines(body)[:-1]] == list(range(1, 602))


async def test_a_search_says_what_it_does_not_find(old: Trail, get: Get) -> None:
    _, second = await old.archived()
    told = {
        "entries": 512,
        "recorded_until": rfc3339(second.last_at),
        "archives": f"{AUDIT}/archives",
    }
    _, page = await get(AUDIT, user_id=KIM)
    assert (len(page["items"]), page["archived"]) == (2, told)
    _, page = await get(AUDIT, from_=rfc3339(second.last_at + timedelta(days=1)))
    assert page["archived"] is None
    _, history = await get(f"/api/admin/users/{KIM}/assignment-history")
    assert (history["total"], history["archived"]) == (1, told)
    for query in ({"seq": 5}, {"from_seq": 500}):
        status, problem = await get(f"{AUDIT}/verify", **query)
        assert (status, problem["code"]) == (409, "entry_archived")
        assert problem["archive"].startswith(f"{AUDIT}/archives/")
    assert (await get(f"{AUDIT}/verify", from_seq=513))[1]["ok"]
    assert (await get(f"{AUDIT}/verify", seq=513))[1]["inclusion"]


async def test_checkpoints_of_what_is_archived_are_still_continued(
    trail: Trail, world: World
) -> None:
    trail.databases.clock.offset = timedelta(days=-465)
    notes = []
    for size in (100, 300):
        await trail.grow(world, size - len(await trail.online()))
        notes.append(await trail.notary.checkpoint("default"))
    await trail.grow_old(world, 300)
    await trail.archivist.look()
    found = await trail.examine("default", *notes)
    assert found.ok
    assert found.consistency
    assert (found.consistency.first, found.consistency.second) == (100, 300)
    assert (await trail.examine("default", notes[1])).consistency


def place(found: Verified) -> tuple[int | None, str | None, int | None]:
    """Where and how a trail does not hold."""
    assert not found.ok
    return found.first_bad, found.reason, found.until


def _edit(rows: list[Any]) -> None:
    rows[43]["reason"] = "it was agreed"


def _delete(rows: list[Any]) -> None:
    del rows[43]


def _swap(rows: list[Any]) -> None:
    rows[43], rows[45] = rows[45], rows[43]


def _insert(rows: list[Any]) -> None:
    rows.insert(43, rows[0])


def _truncate(rows: list[Any]) -> None:
    del rows[43:-1]


def _garbage(rows: list[Any]) -> None:
    rows[43] = []


def _rewrite(rows: list[Any]) -> None:
    """The same entries, otherwise written."""


CHANGES: dict[Callable[[list[Any]], None], tuple[int, str, int | None]] = {
    _edit: (300, "edited", None),
    _delete: (300, "missing", None),
    _swap: (300, "missing", None),
    _insert: (257, "inserted", None),
    _truncate: (300, "edited", None),
    _garbage: (300, "edited", None),
    _rewrite: (257, "archive_changed", 512),
}


async def test_a_change_of_a_file_is_found_at_its_entry(old: Trail) -> None:
    _, second = await old.archived()
    file = old.outside / second.object_key
    sound = file.read_bytes()
    for change, where in CHANGES.items():
        rows = lines(sound)
        change(rows)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert place(await old.examine()) == where, change
    file.write_bytes(sound)
    assert (await old.examine()).ok


async def test_a_lost_file_is_found(old: Trail, get: Get) -> None:
    _, second = await old.archived()
    (old.outside / second.object_key).unlink()
    assert place(await old.examine()) == (257, "archive_missing", 512)
    assert (await get(f"{AUDIT}/verify", archives="false"))[1]["ok"]
    status, problem = await get(f"{AUDIT}/archives/{second.id}")
    assert (status, problem["code"]) == (409, "archive_damaged")


@pytest.mark.parametrize(
    ("forge", "where"),
    [
        (
            "update audit.history_archives set sha256 = sha256('x') where first_seq = 257",
            (257, "archive_forged", 512),
        ),
        ("update audit.history_archives set stated = 'x'", (1, "archive_forged", 256)),
        (
            "update audit.history_archives set hash = sha256('x') where first_seq = 257",
            (257, "archive_forged", 512),
        ),
        ("delete from audit.history_archives where first_seq = 1", (1, "missing", None)),
        (
            "delete from audit.history_removals; delete from audit.history_archives",
            (1, "missing", None),
        ),
        (
            "update audit.history_blocks set root = sha256('x') where block = 1",
            (257, "tree_changed", 512),
        ),
        ("update audit.assignment_history set reason = 'x' where seq = 513", (513, "edited", None)),
        (
            "delete from audit.assignment_history; delete from audit.history_seals",
            (513, "truncated", 606),
        ),
    ],
)
async def test_what_is_forged_about_archives_is_found(
    old: Trail, forge: str, where: tuple[int, str, int | None]
) -> None:
    assert (await old.examine()).ok
    await old.tamper(forge)
    assert place(await old.examine()) == where


async def test_what_goes_where(old: Trail, get: Get) -> None:
    _, told = await get(f"{AUDIT}/retention")
    (_, second) = await old.archived()
    assert told["retention_days"] == 365
    assert told["online"]["first_seq"] == 513
    assert told["online"]["entries"] == 94
    assert told["archived"]["entries"] == 512
    assert told["archived"]["recorded_until"] == rfc3339(second.last_at)
    assert told["archived"]["archives"] == 2
    assert told["holds"] == {"active": 0, "first_held_seq": None}
    assert told["last_run"]["outcome"] == "done"
    assert told["next_run_at"] > told["last_run"]["ran_at"]


async def test_nothing_is_where_nothing_was(get: Get) -> None:
    _, told = await get(f"{AUDIT}/retention")
    assert told["online"] == {"entries": 0, "first_seq": None, "recorded_since": None}
    assert (told["last_run"], told["next_run_at"]) == (None, None)
    assert (await get(f"{AUDIT}/archives"))[1] == {"items": [], "next_cursor": None}
