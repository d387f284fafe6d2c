"""Whether the trail holds, as the system page and the doctor say it."""

from __future__ import annotations

from typing import Any

from services.audit.doctoring import practice
from services.audit.state import State
from services.audit.tests.conftest import Trail, World
from shared.contracts.context import Context
from shared.operating.doctor import Ailment

HERE = Context("default")


def broken(trail: Trail) -> Ailment:
    """What the doctor looks for."""
    bus: Any = None
    found = practice(trail.database, bus, trail.notary).ailments
    return next(each for each in found if each.code == "trail_broken")


async def test_a_trail_that_was_signed_says_how_far(trail: Trail, world: World) -> None:
    state = State(trail.database, trail.notary)
    empty = await state.view(HERE)
    assert (empty.entries, empty.checkpoint, empty.holds) == (0, None, True)
    await trail.grow(world, 3)
    await trail.notary.checkpoint("default")
    await trail.grow(world, 1)
    told = await state.view(HERE)
    assert told.checkpoint is not None
    assert (told.entries, told.checkpoint.size, told.holds) == (4, 3, True)
    assert (await state.view(Context("other"))).entries == 0
    assert await broken(trail).look(HERE) == []


async def test_a_trail_that_was_cut_off_is_found(trail: Trail, world: World) -> None:
    await trail.grow(world, 5)
    await trail.notary.checkpoint("default")
    await trail.tamper("delete from audit.history_seals where seq > 3")
    await trail.tamper("delete from audit.assignment_history where seq > 3")
    assert not (await State(trail.database, trail.notary).view(HERE)).holds
    ailment = broken(trail)
    assert len(await ailment.look(HERE)) == 1
    assert ailment.mend is None, "nothing here may change it"
    assert await ailment.look(Context("other")) == []


async def test_an_entry_that_was_changed_before_it_was_signed_is_found(
    trail: Trail, world: World
) -> None:
    await trail.grow(world, 2)
    await trail.notary.checkpoint("default")
    await trail.grow(world, 2)
    await trail.tamper("update audit.assignment_history set reason = 'forged' where seq = 4")
    [told] = await broken(trail).look(HERE)
    assert told.startswith("Entry 4 ")
