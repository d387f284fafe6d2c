"""What was signed stays signed: the notary contradicts nothing of it, and what does is found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from prometheus_client import REGISTRY

from services.audit.domain import checkpoint as notes
from services.audit.domain.chain import Fault
from services.audit.domain.checkpoint import Checkpoint
from services.audit.domain.merkle import Tree, leaf_hash
from services.audit.notary import TrailBroken
from services.audit.tests.conftest import KEY, Trail, World
from services.audit.views import Verified
from shared.blobs.port import StorageUnavailable


def opened(note: str, tenant: str = "default") -> Checkpoint:
    """What a note says."""
    return notes.read(note, tenant, KEY.public_key())


def kept(trail: Trail, tenant: str = "default") -> list[int]:
    """The sizes of the copies outside."""
    return [int(path.name) for path in sorted(folder(trail, tenant).glob("*"))]


def folder(trail: Trail, tenant: str = "default") -> Path:
    """Where copies are kept."""
    return trail.outside / tenant / "audit" / "checkpoints"


async def signed(trail: Trail, tenant: str = "default") -> list[int]:
    """The sizes of the checkpoints in the database."""
    rows = await trail.databases.as_admin(
        "select size from audit.checkpoints where tenant_id = $1 order by size", tenant
    )
    return [row["size"] for row in rows]


def place(found: Verified) -> tuple[int | None, str | None, int | None]:
    """Where and how a trail does not hold."""
    assert not found.ok
    return found.first_bad, found.reason, found.until


async def test_a_checkpoint_covers_everything_and_is_kept_inside_and_outside(
    trail: Trail, world: World
) -> None:
    await trail.grow(world, 600)
    checkpoint = opened(await trail.notary.checkpoint("default"))
    tree = Tree()
    for row in await trail.databases.as_admin("select hash from audit.history_seals order by seq"):
        tree.append(leaf_hash(row["hash"]))
        last = row["hash"]
    assert checkpoint == Checkpoint("default", 600, tree.root(), last)
    assert (await signed(trail), kept(trail)) == ([600], [600])
    copy = folder(trail) / f"{600:018}"
    assert opened(copy.read_text()) == checkpoint


async def test_nothing_new_is_not_signed_again(trail: Trail, world: World) -> None:
    await trail.grow(world, 3)
    first = await trail.notary.checkpoint("default")
    assert await trail.notary.checkpoint("default") == first
    assert (await signed(trail), kept(trail)) == ([3], [3])


async def test_a_chain_is_signed_every_minute_or_thousand_entries(
    trail: Trail, world: World
) -> None:
    async def look() -> Sequence[int]:
        await trail.notary.sign_due()
        return await signed(trail)

    clock = trail.databases.clock
    assert await look() == []
    await trail.grow(world, 2)
    assert await look() == [2]
    await trail.grow(world, 999)
    assert await look() == [2]
    await trail.grow(world, 1)
    assert await look() == [2, 1002]
    await trail.grow(world, 1)
    clock.offset = timedelta(seconds=55)
    assert await look() == [2, 1002]
    clock.offset = timedelta(seconds=61)
    assert await look() == [2, 1002, 1003]
    clock.offset = timedelta(hours=1)
    assert await look() == [2, 1002, 1003]


async def test_every_tenant_has_checkpoints_of_its_own(trail: Trail, world: World) -> None:
    other = World("other")
    await trail.grow(world, 2)
    await trail.grow(other, 3)
    await trail.notary.sign_due()
    assert (kept(trail), kept(trail, "other")) == ([2], [3])
    assert (await trail.examine("other")).entries == 3


async def test_two_notaries_sign_one_chain_once(trail: Trail, world: World) -> None:
    await trail.grow(world, 5)
    both = await asyncio.gather(*(trail.notary.checkpoint("default") for _ in range(4)))
    assert len(set(both)) == 1
    assert await signed(trail) == [5]


async def test_without_the_store_nothing_is_signed(
    trail: Trail, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trail.grow(world, 5)

    async def gone(*_: object, **__: object) -> None:
        raise StorageUnavailable("gone fishing")

    with monkeypatch.context() as away:
        away.setattr("shared.blobs.local.LocalBlobs.put", gone)
        with structlog.testing.capture_logs() as logs:
            await trail.notary.sign_due()
            await trail.notary.sign_due()
        assert [line["event"] for line in logs] == ["audit_checkpoint_postponed"]
        assert await signed(trail) == []
    trail.databases.clock.offset = timedelta(seconds=11)
    await trail.notary.sign_due()
    assert (await signed(trail), kept(trail)) == ([5], [5])


async def test_a_copy_that_was_lost_is_made_again(trail: Trail, world: World) -> None:
    await trail.grow(world, 5)
    note = await trail.notary.checkpoint("default")
    (folder(trail) / f"{5:018}").unlink()
    (trail.outside / "default/audit/checkpoint").unlink()
    assert await trail.notary.checkpoint("default") == note
    assert kept(trail) == [5]


@pytest.mark.parametrize("size", [300, 301, 512, 600])
async def test_a_cut_tail_is_found_at_its_first_entry(
    trail: Trail, world: World, size: int
) -> None:
    await trail.grow(world, 601)
    await trail.notary.checkpoint("default")
    await trail.cut(size)
    assert place(await trail.examine()) == (size + 1, "truncated", 601)
    with pytest.raises(TrailBroken):
        await trail.notary.checkpoint("default")
    assert kept(trail) == [601]


async def test_a_restored_backup_is_found_where_it_ends(trail: Trail, world: World) -> None:
    await trail.grow(world, 300)
    await trail.notary.checkpoint("default")
    await trail.back_up()
    await trail.grow(world, 100)
    await trail.notary.checkpoint("default")
    await trail.restore()
    assert place(await trail.examine()) == (301, "truncated", 400)


async def test_a_restored_backup_that_grew_on_is_found_between_two_checkpoints(
    trail: Trail, world: World
) -> None:
    for size in (100, 200, 300, 400):
        await trail.grow(world, 100)
        await trail.notary.checkpoint("default")
        if size == 200:
            await trail.back_up()
    await trail.restore()
    await trail.grow(world, 250)
    assert place(await trail.examine()) == (201, "rewritten", 300)
    trail.databases.clock.offset = timedelta(minutes=2)
    with structlog.testing.capture_logs() as logs:
        await trail.notary.sign_due()
    assert [(line["event"], line["tenant"]) for line in logs] == [("audit_trail_broken", "default")]
    assert REGISTRY.get_sample_value("marquee_audit_trail_broken") == 1
    assert REGISTRY.get_sample_value("marquee_audit_checkpoints_overdue") == 1
    assert kept(trail) == [100, 200, 300, 400]


async def test_a_chain_written_anew_is_found(trail: Trail, world: World) -> None:
    await trail.grow(world, 20)
    await trail.notary.checkpoint("default")
    await trail.cut(0)
    await trail.tamper("delete from audit.history_blocks")
    await trail.grow(world, 30)
    assert place(await trail.examine()) == (1, "rewritten", 20)


async def test_what_was_forged_before_it_was_signed_is_not_signed(
    trail: Trail, world: World
) -> None:
    await trail.grow(world, 5)
    await trail.notary.checkpoint("default")
    await trail.grow(world, 5)
    await trail.tamper("update audit.assignment_history set reason = 'agreed' where seq = 8")
    with pytest.raises(TrailBroken) as broken:
        await trail.notary.checkpoint("default")
    assert broken.value.fault == Fault(8, "edited")
    assert place(await trail.examine()) == (8, "edited", None)
    assert await signed(trail) == [5]


async def test_a_tree_that_was_changed_is_found(trail: Trail, world: World) -> None:
    await trail.grow(world, 600)
    await trail.notary.checkpoint("default")
    await trail.tamper("update audit.history_blocks set root = sha256('x') where block = 1")
    assert place(await trail.examine()) == (257, "tree_changed", 512)
    await trail.grow(world, 1)
    with pytest.raises(TrailBroken):
        await trail.notary.checkpoint("default")


@pytest.mark.parametrize("forged", ["", "x", "other"])
async def test_a_forged_copy_is_found(trail: Trail, world: World, forged: str) -> None:
    await trail.grow(world, 5)
    note = await trail.notary.checkpoint("default")
    other = notes.sign(Checkpoint("other", 5), KEY)
    (folder(trail) / f"{5:018}").write_text({"x": note + "x", "other": other}.get(forged, ""))
    assert place(await trail.examine()) == (5, "checkpoint_forged", 5)


async def test_a_forged_checkpoint_in_the_database_is_found(trail: Trail, world: World) -> None:
    await trail.grow(world, 5)
    await trail.notary.checkpoint("default")
    await trail.tamper("update audit.checkpoints set note = 'all is well'")
    assert not (await trail.examine()).ok


async def test_what_somebody_kept_is_believed_before_all_copies(trail: Trail, world: World) -> None:
    await trail.grow(world, 20)
    note = await trail.notary.checkpoint("default")
    await trail.cut(10)
    for path in (folder(trail) / f"{20:018}", trail.outside / "default/audit/checkpoint"):
        path.unlink()
    assert (await trail.examine()).ok
    assert place(await trail.examine("default", note)) == (11, "truncated", 20)
