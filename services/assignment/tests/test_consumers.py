"""What the service learns, in whatever order and however often it is told."""

from __future__ import annotations

from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.assignment import consumers
from services.assignment.tests.world import (
    NOON,
    World,
    asset_uploaded,
    status_changed,
    user_changed,
    user_created,
)
from shared.bus.port import Ack, Delivery
from shared.contracts.envelope import Message, seal
from shared.contracts.event import Event
from shared.runtime.ids import new_id

ASSET = UUID("0192e4a0-0000-7000-8000-000000000003")

STORY: list[Event] = [
    asset_uploaded(ASSET, version=1),
    status_changed(ASSET, "processing", version=2),
    status_changed(ASSET, "completed", version=3),
]


def sealed(world: World, event: Event) -> Message:
    return seal(event, ident=new_id(), time=NOON, context=world.context)


async def deliver(world: World, *messages: Message) -> None:
    handler = consumers.subscription(world.databases["assignment"]).handler
    outcomes = await handler([Delivery(message, attempt=0) for message in messages])
    assert list(outcomes) == [Ack()] * len(messages)


async def row(world: World, table: str) -> dict[str, Any]:
    [found] = await world.databases.as_admin(f"select * from assignment.{table}")
    return dict(found)


@pytest.mark.parametrize("order", permutations(range(3)))
async def test_an_asset_is_known_whatever_arrives_first(
    world: World, order: tuple[int, ...]
) -> None:
    for place in order:
        await deliver(world, sealed(world, STORY[place]))

    asset = await row(world, "assets")
    assert (asset["known"], asset["title"], asset["filename"]) == (True, "A film", "film.mp4")
    assert (asset["status"], asset["version"]) == ("completed", 3)


async def test_an_asset_only_heard_of_is_a_stub(world: World) -> None:
    await deliver(world, sealed(world, STORY[2]))

    asset = await row(world, "assets")
    assert (asset["known"], asset["status"]) == (False, "completed")


async def test_a_fact_told_twice_is_learnt_once(world: World) -> None:
    messages = [sealed(world, event) for event in STORY]
    await deliver(world, *messages)
    await world.databases.as_admin("update assignment.assets set title = 'Renamed'")

    await deliver(world, *messages, messages[0])

    assert (await row(world, "assets"))["title"] == "Renamed"


async def test_an_administrator_can_also_be_given_assets(world: World) -> None:
    created = user_created(new_id(), role="admin")

    await deliver(world, sealed(world, created))

    for table in ("users", "admins"):
        person = await row(world, table)
        assert (person["id"], person["known"], person["name"]) == (created.user_id, True, "Ada")


async def test_a_user_is_no_administrator(world: World) -> None:
    await deliver(world, sealed(world, user_created(new_id(), disabled=True)))

    assert (await row(world, "users"))["disabled"]
    assert await world.databases.as_admin("select from assignment.admins") == []


async def test_older_news_of_a_user_is_ignored(world: World) -> None:
    user = new_id()
    await deliver(world, sealed(world, user_created(user, disabled=True, version=2)))

    await deliver(world, sealed(world, user_created(user, disabled=False, version=1)))

    assert (await row(world, "users"))["disabled"]


async def test_a_user_who_changed_is_known_as_they_are_now(world: World) -> None:
    created = user_created(new_id())
    changed = user_changed(created.user_id, disabled=True)

    await deliver(world, sealed(world, changed), sealed(world, created))

    person = await row(world, "users")
    assert (person["name"], person["disabled"], person["version"]) == ("Ada L.", True, 2)
    assert await world.databases.as_admin("select from assignment.admins") == []


async def test_who_gets_another_role_is_known_as_an_administrator(world: World) -> None:
    await deliver(world, sealed(world, user_changed(new_id(), role="admin", changed=["role"])))

    assert (await row(world, "admins"))["name"] == "Ada L."


async def test_an_administrator_may_act_before_being_heard_of(world: World) -> None:
    await world.assign(await world.asset(), await world.user())
    assert not (await row(world, "admins"))["known"]

    await deliver(world, sealed(world, user_created(world.admin, role="admin")))

    assert (await row(world, "admins"))["known"]
