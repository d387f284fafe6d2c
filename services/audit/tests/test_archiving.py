"""What is older than a year leaves the database for an archive; nothing else ever leaves it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import structlog

from services.audit import archives
from services.audit.archives import RemovalRefused
from services.audit.domain.archive import Month, cut, due_before
from services.audit.offline import verify_file
from services.audit.settings import AuditSettings
from services.audit.tests.conftest import KEY, Trail, World
from shared.blobs.port import StorageUnavailable
from shared.contracts.context import Context
from shared.db.migrate import Schema, migrate
from shared.runtime.settings import SettingsError
from shared.testing.databases import PostgresServer, fresh_databases, schema_of

PUBLIC = KEY.public_key()


def months(*ends: tuple[int, int]) -> list[Month]:
    """Months of 2025 by the month in which they are over, and their last entries."""
    return [Month(datetime(2025, month, 1, tzinfo=UTC), last) for month, last in ends]


def test_a_month_is_archived_when_all_of_it_is_old_enough() -> None:
    june = datetime(2025, 6, 1, tzinfo=UTC)
    of = months((5, 600), (6, 1300), (7, 1400))
    assert cut(of, 0, june, 10_000) == 512
    assert cut(of, 512, june, 10_000) == 1280
    assert cut(of, 1280, june, 10_000) is None
    assert cut(of, 0, june - timedelta(days=1), 10_000) == 512
    assert cut(of, 0, june - timedelta(days=32), 10_000) is None
    assert cut(months((5, 100), (6, 700)), 0, june, 10_000) == 512
    assert cut(of, 0, june, 511) == 256
    assert cut(of, 0, june, 255) is None
    assert cut([], 0, june, 10_000) is None


def test_a_year_is_a_year_of_the_calendar_at_least() -> None:
    year = timedelta(days=365)
    assert due_before(datetime(2028, 3, 1, tzinfo=UTC), year) == datetime(2027, 3, 1, tzinfo=UTC)
    assert due_before(datetime(2028, 2, 29, tzinfo=UTC), year) == datetime(2027, 2, 28, tzinfo=UTC)
    later = due_before(datetime(2027, 3, 1, tzinfo=UTC), timedelta(days=730))
    assert later == datetime(2025, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("days", ["364", "0", "-1", "a year"])
def test_less_than_a_year_stops_the_start_with_its_name(
    monkeypatch: pytest.MonkeyPatch, days: str
) -> None:
    monkeypatch.setenv("MARQUEE_AUDIT_RETENTION_DAYS", days)
    with pytest.raises(SettingsError, match="MARQUEE_AUDIT_RETENTION_DAYS"):
        AuditSettings.load()


async def test_old_months_leave_and_the_trail_still_holds_from_end_to_end(
    trail: Trail, world: World
) -> None:
    await trail.grow_old(world, 600, 400)
    before = await trail.examine()
    assert await trail.archivist.look()
    first, second = await trail.archived()
    assert ((first.first, first.last), (second.first, second.last)) == ((1, 512), (513, 768))
    # The rest of the month, the newest, and two entries about what was archived.
    assert await trail.online() == list(range(769, 1004))
    found = await trail.examine("default", str(before.checkpoint))
    assert (found.ok, found.entries, found.archived_entries) == (True, 1003, 768)
    assert found.consistency
    told = await trail.entries(action="entries_archived")
    assert [json.loads(json.dumps(each["metadata"]))["last_seq"] for each in told] == [512, 768]
    assert {each["actor"] for each in told} == {"system"}
    await trail.notary.checkpoint("default")
    assert (await trail.examine()).ok


async def test_nothing_younger_is_archived(trail: Trail, world: World) -> None:
    trail.databases.clock.offset = timedelta(days=-364)
    await trail.grow(world, 600)
    trail.databases.clock.offset = timedelta(0)
    await trail.grow(world, 1)
    assert await trail.archivist.look()
    assert (await trail.archived(), len(await trail.online())) == ([], 601)
    trail.databases.clock.offset = timedelta(days=33)
    assert not await trail.archivist.look()  # our clock says so, but not the database's
    assert len(await trail.online()) == 601


async def test_the_files_are_a_trail_that_needs_no_server(trail: Trail, world: World) -> None:
    await trail.grow_old(world, 300, 300)
    await trail.archivist.look()
    files = [trail.outside / each.object_key for each in await trail.archived()]
    first, second = (verify_file(file, PUBLIC) for file in files)
    assert (first.entries, first.complete, first.follows.size) == (256, True, 0)
    assert (second.entries, second.complete, second.follows.size) == (256, True, 256)
    assert second.continues(first)
    assert not first.continues(second)


async def test_what_is_done_again_changes_nothing(trail: Trail, world: World) -> None:
    await trail.grow_old(world, 600)
    await trail.archivist.look()
    once = (await trail.archived(), await trail.online())
    await asyncio.gather(*(trail.archivist.look() for _ in range(3)))
    assert (await trail.archived(), await trail.online()) == once


async def test_an_event_that_is_archived_is_not_recorded_again(trail: Trail, world: World) -> None:
    facts = [world.assigned(world.admin, world.admin) for _ in range(300)]
    trail.databases.clock.offset = timedelta(days=-420)
    await trail.hear(*facts)
    trail.databases.clock.offset = timedelta(0)
    await trail.grow(world, 1)
    await trail.archivist.look()
    before = await trail.online()
    await trail.databases.as_admin("delete from audit.inbox")
    await trail.hear(*facts)
    assert await trail.online() == before


async def test_a_broken_trail_is_not_archived(trail: Trail, world: World) -> None:
    await trail.grow_old(world, 600)
    await trail.notary.checkpoint("default")
    await trail.tamper("update audit.assignment_history set reason = 'agreed' where seq = 8")
    with structlog.testing.capture_logs() as logs:
        assert not await trail.archivist.look()
    assert "audit_archive_refused" in [line["event"] for line in logs]
    assert (await trail.archived(), len(await trail.online())) == ([], 601)


@pytest.mark.parametrize("fault", ["lost", "changed"])
async def test_what_cannot_be_read_back_is_not_removed(
    trail: Trail, world: World, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    await trail.grow_old(world, 600)
    fetch = trail.shelf.blobs.fetch

    async def spoilt(key: str, target: Path) -> None:
        if fault == "lost":
            raise StorageUnavailable("gone fishing")
        await fetch(key, target)
        target.write_bytes(target.read_bytes().replace(b"assigned", b"reverted", 1))

    with monkeypatch.context() as bad:
        bad.setattr(trail.shelf.blobs, "fetch", spoilt)
        assert not await trail.archivist.look()
    assert (await trail.archived(), len(await trail.online())) == ([], 601)
    assert await trail.archivist.look()
    assert len(await trail.archived()) == 1


@pytest.fixture
async def archived_but_online(trail: Trail, world: World) -> Trail:
    """A trail of which the first 512 entries are archived, and still in the database."""
    await trail.grow_old(world, 600)
    await trail.archivist.archive_next("default")
    assert len(await trail.archived()) == 1
    assert len(await trail.online()) == 601
    return trail


SPOILT = {
    "update audit.history_archives set checkpoint = 'x'": "not signed",
    "delete from audit.checkpoints": "not signed",
    "update audit.history_archives set hash = sha256('x')": "of another chain",
    "update audit.history_seals set hash = sha256('x') where seq = 512": "of another chain",
    "delete from audit.history_seals where seq > 512": "newest entry stays",
    "update audit.assignment_history set recorded_at = now() where seq = 9": "not a year old",
    "delete from audit.assignment_history where seq = 9": "entries are missing",
    "delete from audit.history_seals where seq = 9": "entries are missing",
}
"""What somebody did to the database, and why it then lets go of nothing."""

REMOVE = "select set_config('app.tenant', 'default', false), audit.remove_archived({})"


async def test_the_database_lets_go_of_nothing_else(archived_but_online: Trail) -> None:
    trail = archived_but_online
    with pytest.raises(asyncpg.RestrictViolationError, match="entry 511 ends no archive"):
        await trail.databases.as_admin(REMOVE.format(511))
    for spoil, why in SPOILT.items():
        with pytest.raises(asyncpg.RestrictViolationError, match=why):
            await trail.tamper(
                f"{spoil}; set session_replication_role = origin; {REMOVE}".format(512)
            )
    assert len(await trail.online()) == 601
    assert await trail.archivist.look()
    assert len(await trail.online()) == 90


async def test_one_tenant_cannot_remove_what_is_anothers(archived_but_online: Trail) -> None:
    (archive,) = await archived_but_online.archived()
    async with archived_but_online.database.transaction(Context("other")) as tx:
        with pytest.raises(RemovalRefused, match="ends no archive"):
            await archives.remove(tx, archive)
    assert len(await archived_but_online.online()) == 601


FORBIDDEN = (
    "delete from audit.assignment_history where seq <= 512",
    "select set_config('audit.removing', 'archived', true);"
    "delete from audit.assignment_history where seq <= 512",
    "insert into audit.history_removals values ('default', 512, now())",
    "insert into audit.archived_events values ('default', gen_random_uuid())",
    "update audit.history_archives set sha256 = sha256('x')",
    "delete from audit.history_archives",
    "delete from audit.legal_holds",
    "delete from audit.restorations",
)


async def test_the_service_itself_has_no_other_way(trail: Trail) -> None:
    for change in FORBIDDEN:
        async with trail.database.transaction(Context("default")) as tx:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await tx.connection.execute(change)


async def test_a_database_of_the_revision_before_is_taken_over(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    current = schema_of("audit")
    versions = tmp_path / "versions"
    versions.mkdir()
    for file in (current.migrations / "versions").glob("000[1-4]_*.py"):
        (versions / file.name).write_text(file.read_text())
    async with fresh_databases(postgres, Schema("audit", tmp_path)) as databases:
        trail = Trail(databases, tmp_path / "outside")
        for statement in OLD_ROWS:
            await databases.as_admin(statement)
        before = await databases.as_admin("select * from audit.assignment_history order by seq")
        await migrate(databases.admin_dsn, [current])
        assert before == await databases.as_admin(
            "select * from audit.assignment_history order by seq"
        )
        await trail.hear(World().assigned(World().admin, World().admin))
        assert (await trail.online()) == [1, 2]


OLD_ROWS = (
    "insert into audit.admins (tenant_id, id, kind) values"
    " ('default', '00000000-0000-0000-0000-000000000000', 'system')",
    "insert into audit.assignment_history (id, tenant_id, seq, event_id, event_type, action,"
    " actor, performed_by, performed_at, recorded_at) values (gen_random_uuid(), 'default', 1,"
    " gen_random_uuid(), 'identity.user.changed.v1', 'user_changed', 'system',"
    " '00000000-0000-0000-0000-000000000000', now(), now())",
    "insert into audit.history_seals select tenant_id, seq, id, sha256('a'), sha256('b')"
    " from audit.assignment_history",
)
