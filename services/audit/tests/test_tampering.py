"""The trail cannot be changed, and where somebody managed to, it shows."""

from __future__ import annotations

import asyncpg
import pytest

from services.audit.domain import chain
from services.audit.domain.chain import Fault
from services.audit.tests.conftest import Trail, World
from shared.contracts.context import Context
from shared.runtime.ids import new_id

TABLES = ("assignment_history", "history_seals", "history_blocks", "checkpoints", "chains")
CHANGES = (
    "update audit.{} set tenant_id = tenant_id",
    "delete from audit.{}",
    "truncate audit.{} cascade",
)
LENGTH = 6


@pytest.fixture
async def sealed(trail: Trail, world: World) -> Trail:
    """A trail of six entries."""
    await trail.hear(*(world.assigned(new_id(), new_id()) for _ in range(LENGTH)))
    return trail


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
async def test_the_service_lacks_the_right_to_change_it(
    sealed: Trail, table: str, change: str
) -> None:
    async with sealed.database.transaction(Context("default")) as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.connection.execute(change.format(table))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
async def test_whoever_has_every_right_is_stopped_by_a_trigger(
    sealed: Trail, table: str, change: str
) -> None:
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await sealed.databases.as_admin(change.format(table))


@pytest.mark.parametrize(
    "edit",
    [
        "performed_at = performed_at - interval '1 microsecond'",
        "recorded_at = now()",
        "reason = 'it was agreed'",
        "metadata = '{}'",
        "metadata = '{\"amount\": 1e400}'",
        "user_id = (select id from audit.users limit 1)",
        "previous_asset_id = asset_id",
        "actor = 'system'",
        "event_type = ''",
        "operation_id = assignment_id",
    ],
)
async def test_an_edit_is_found(sealed: Trail, edit: str) -> None:
    await sealed.tamper(f"update audit.assignment_history set {edit} where seq = 4")
    verdict = await sealed.verify()
    assert (verdict.fault, verdict.entries) == (Fault(4, "edited"), LENGTH)


async def test_an_edited_seal_is_found(sealed: Trail) -> None:
    await sealed.tamper("update audit.history_seals set hash = sha256('x') where seq = 2")
    assert (await sealed.verify()).fault == Fault(2, "edited")


async def test_a_deleted_entry_is_found(sealed: Trail) -> None:
    await sealed.tamper("delete from audit.assignment_history where seq = 3")
    assert (await sealed.verify()).fault == Fault(3, "entry_missing")


async def test_a_deleted_seal_is_found(sealed: Trail) -> None:
    await sealed.tamper("delete from audit.history_seals where seq = 6")
    assert (await sealed.verify()).fault == Fault(6, "seal_missing")


async def test_an_entry_deleted_with_its_seal_is_found(sealed: Trail) -> None:
    await sealed.tamper(
        "delete from audit.assignment_history where seq = 1;"
        "delete from audit.history_seals where seq = 1"
    )
    assert (await sealed.verify()).fault == Fault(1, "missing")


async def test_swapped_entries_are_found(sealed: Trail) -> None:
    await sealed.tamper(
        "update audit.assignment_history set seq = 99 where seq = 2;"
        "update audit.assignment_history set seq = 2 where seq = 5;"
        "update audit.assignment_history set seq = 5 where seq = 99"
    )
    assert (await sealed.verify()).fault == Fault(2, "edited")


@pytest.mark.parametrize("seq", [LENGTH + 1, 10**15])
async def test_an_entry_slipped_in_without_a_seal_is_found(sealed: Trail, seq: int) -> None:
    await sealed.tamper(
        "create temp table copied as select * from audit.assignment_history where seq = 1;"
        f"update copied set id = gen_random_uuid(), event_id = gen_random_uuid(), seq = {seq};"
        "insert into audit.assignment_history select * from copied"
    )
    reason = "seal_missing" if seq == LENGTH + 1 else "missing"
    assert (await sealed.verify()).fault == Fault(LENGTH + 1, reason)  # type: ignore[arg-type]


async def test_an_entry_before_the_first_is_found(sealed: Trail) -> None:
    await sealed.tamper(
        "alter table audit.assignment_history drop constraint assignment_history_seq;"
        "update audit.assignment_history set seq = -2000 where seq = 6"
    )
    assert (await sealed.verify()).fault == Fault(-2000, "inserted")


async def test_an_entry_sealed_anew_is_found(sealed: Trail) -> None:
    await sealed.tamper(
        "update audit.history_seals set hash = sha256('forged') where seq = 3;"
        "update audit.history_seals set prev_hash = sha256('forged') where seq = 4"
    )
    assert (await sealed.verify()).fault == Fault(3, "edited")


async def test_a_long_chain_is_verified_to_its_end(trail: Trail, world: World) -> None:
    for _ in range(3):
        await trail.hear(*(world.assigned(new_id(), new_id()) for _ in range(200)))
    verdict = await trail.verify()
    assert (verdict.entries, verdict.fault, verdict.head.size) == (600, None, 600)
    await trail.tamper("update audit.assignment_history set reason = 'x' where seq in (260, 590)")
    assert (await trail.verify()).fault == Fault(260, "edited")


async def test_an_empty_trail_is_sound(trail: Trail) -> None:
    verdict = await trail.verify()
    assert (verdict.entries, verdict.fault, verdict.head) == (0, None, chain.Head())
