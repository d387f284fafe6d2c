"""What is learned from others, in any order and more than once."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from services.converter import consumers
from services.converter.tables import metadata
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import HERE, Studio
from shared.bus.port import Ack, Delivery
from shared.contracts.assignment import AssetStateChanged
from shared.contracts.envelope import seal
from shared.contracts.event import Event
from shared.contracts.identity import UserChanged, UserCreated
from shared.runtime.ids import new_id

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


async def hear(studio: Studio, *events: Event) -> None:
    """Deliver events, each twice."""
    handler = consumers.subscription(studio.database).handler
    for event in events:
        message = seal(event, ident=new_id(), time=MOMENT, context=HERE)
        assert await handler([Delivery(message, 0)]) == [Ack()]
        assert await handler([Delivery(message, 1)]) == [Ack()]


def person(ident: UUID, *, name: str = "Mia", role: str = "user", version: int = 1) -> UserCreated:
    return UserCreated(
        user_id=ident,
        email=f"{name.lower()}@example.com",
        display_name=name,
        role="admin" if role == "admin" else "user",
        disabled=False,
        version=version,
        created_at=MOMENT,
    )


def state(asset: UUID, user: UUID | None, admin: UUID | None, version: int) -> AssetStateChanged:
    return AssetStateChanged(
        asset_id=asset,
        user_id=user,
        assigned_at=MOMENT if user else None,
        assigned_by=admin,
        active_assignment_count=1 if user else 0,
        version=version,
    )


async def test_who_has_an_asset_is_kept_whatever_the_order(studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("silent"))
    mia, ada = new_id(), new_id()

    await hear(studio, state(ident, mia, ada, 2), state(ident, None, None, 1))

    asset = await studio.asset(ident)
    assert (asset["user_id"], asset["assigned_by"], asset["assigned_at"]) == (mia, ada, MOMENT)
    assert asset["active_assignment_count"] == 1
    rows = await studio.databases.as_admin("select known from converter.users where id = $1", mia)
    assert rows[0]["known"] is False, "met before its own event"

    await hear(studio, person(mia), person(ada, name="Ada", role="admin"))
    await hear(studio, state(ident, None, None, 3))
    asset = await studio.asset(ident)
    assert (asset["user_id"], asset["active_assignment_count"]) == (None, 0)


async def test_older_news_of_a_person_changes_nothing(studio: Studio) -> None:
    mia = new_id()
    await hear(
        studio, person(mia, name="Mia", version=2), person(mia, name="Old", role="admin", version=1)
    )
    [user] = await studio.databases.as_admin("select * from converter.users where id = $1", mia)
    assert (user["name"], user["known"], user["version"]) == ("Mia", True, 2)


async def test_a_person_who_changed_is_known_as_they_are_now(studio: Studio) -> None:
    ada = new_id()
    changed = UserChanged(
        user_id=ada,
        email="ada@example.com",
        display_name="Ada L.",
        role="user",
        disabled=True,
        changed=["name", "role", "disabled"],
        version=2,
    )
    await hear(studio, changed, person(ada, name="Ada", role="admin"))

    [user] = await studio.databases.as_admin("select * from converter.users where id = $1", ada)
    assert (user["name"], user["disabled"], user["version"]) == ("Ada L.", True, 2)
    [giver] = await studio.databases.as_admin("select * from converter.admins where id = $1", ada)
    assert giver["name"] == "Ada L."


async def test_news_of_an_asset_that_is_not_here_changes_nothing(studio: Studio) -> None:
    await hear(studio, state(new_id(), new_id(), new_id(), 1))


async def test_the_tables_are_those_of_the_migrations(studio: Studio) -> None:
    rows = await studio.databases.as_admin(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'converter' and table_name <> 'alembic_version'"
    )
    there = {(row["table_name"], row["column_name"]) for row in rows}
    declared = {(t.name, c.name) for t in metadata.tables.values() for c in t.columns}
    assert there == declared
