"""People, assets and administrators to try the service with."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.assignment import commands, consumers, queries
from services.assignment.domain.assign import Assigned, Unchanged
from services.assignment.domain.model import Assignment, Change
from services.assignment.domain.undo import Undone
from services.assignment.queries import AssetState
from shared.contracts.actor import Actor
from shared.contracts.context import Context
from shared.contracts.converter import (
    AssetDeleted,
    AssetRestated,
    AssetRestored,
    AssetStatusChanged,
    AssetUploaded,
    ConversionStatus,
)
from shared.contracts.envelope import Envelope, Message, unseal
from shared.contracts.event import Event
from shared.contracts.identity import Role, UserChanged, UserCreated
from shared.contracts.refusal import Refusal
from shared.db.database import Clock
from shared.runtime.ids import new_id
from shared.testing.databases import Databases

ADMIN = UUID(int=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class StillClock(Clock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = NOON

    def at(self, database_time: datetime) -> datetime:
        """The moment the test has set, whatever the database says."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


@dataclass
class World:
    """One tenant of a fresh database, and an administrator who acts in it."""

    databases: Databases
    clock: StillClock
    tenant: str = "default"
    admin: UUID = ADMIN

    @property
    def context(self) -> Context:
        """What the administrator acts in."""
        return Context(self.tenant, Actor.user(self.admin))

    def at(self, tenant: str) -> World:
        """The same database, as another tenant."""
        return World(self.databases, self.clock, tenant, new_id())

    async def learn(self, event: Event) -> None:
        """Let the service hear of a fact."""
        handle = {
            UserCreated: consumers.on_person,
            UserChanged: consumers.on_person,
            AssetUploaded: consumers.on_asset_uploaded,
            AssetStatusChanged: consumers.on_asset_status_changed,
            AssetRestored: consumers.on_asset_restored,
            AssetRestated: consumers.on_asset_restated,
            AssetDeleted: consumers.on_asset_deleted,
        }[type(event)]
        async with self.databases["assignment"].transaction(self.context) as tx:
            await handle(tx, event)  # type: ignore[operator]

    async def user(
        self, *, role: Role = "user", disabled: bool = False, ident: UUID | None = None
    ) -> UUID:
        """A person."""
        event = user_created(ident or new_id(), role=role, disabled=disabled)
        await self.learn(event)
        return event.user_id

    async def many_users(self, number: int) -> list[UUID]:
        """Many people at once, in the order of their ids."""
        events = [user_created(new_id()) for _ in range(number)]
        async with self.databases["assignment"].transaction(self.context) as tx:
            for event in events:
                await consumers.on_person(tx, event)
        return sorted(event.user_id for event in events)

    async def asset(self, status: ConversionStatus = "completed") -> UUID:
        """An asset that has come as far as this."""
        event = asset_uploaded(new_id())
        await self.learn(event)
        await self.convert(event.asset_id, status, version=2)
        return event.asset_id

    async def convert(self, asset_id: UUID, status: ConversionStatus, *, version: int) -> None:
        """Let the conversion of an asset move on."""
        await self.learn(status_changed(asset_id, status, version=version))

    async def assign(self, asset_id: UUID, user_id: UUID) -> Assigned | Unchanged:
        """Give a user an asset."""
        lock = commands.user_lock(user_id)
        async with self.databases["assignment"].transaction(self.context, lock) as tx:
            return await commands.assign(tx, asset_id=asset_id, user_id=user_id)

    async def assigned(self, asset_id: UUID, user_id: UUID) -> Assigned:
        """Give a user an asset that the user has not."""
        given = await self.assign(asset_id, user_id)
        assert isinstance(given, Assigned)
        return given

    async def undo(self, asset_id: UUID, **named: UUID) -> Undone:
        """Undo the newest operation on an asset, or the one that is named."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            return await commands.undo(tx, asset_id=asset_id, **named)

    async def withdraw(self, asset_id: UUID) -> commands.Promise:
        """Promise that nobody has an asset or will."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            return await commands.withdraw(tx, asset_id)

    async def bulk(self, asset_id: UUID, user_ids: Sequence[UUID]) -> Change:
        """Give users an asset, as the route does."""
        database = self.databases["assignment"]
        async with database.transaction(self.context) as tx:
            attempt = await commands.intend_bulk(tx, asset_id=asset_id, user_ids=user_ids)
        return await self.carry_out(attempt)

    async def bulk_again(self, operation_id: UUID) -> Change:
        """Try a bulk assignment that failed again."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            attempt = await commands.intend_retry(tx, operation_id)
        return await self.carry_out(attempt)

    async def carry_out(self, attempt: commands.Attempt) -> Change:
        """Carry out what was written down, or write down why not."""
        database = self.databases["assignment"]
        try:
            async with database.transaction(self.context) as tx:
                return await commands.bulk_assign(tx, attempt)
        except Refusal as refusal:
            async with database.transaction(self.context) as tx:
                await commands.give_up(tx, attempt, refusal)
            raise

    async def undo_operation(self, operation_id: UUID) -> Undone:
        """Undo an operation."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            return await commands.undo_operation(tx, operation_id)

    async def revert_operation(self, operation_id: UUID) -> Undone:
        """Revert an operation."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            return await commands.revert_operation(tx, operation_id, reason="a mistake")

    async def revert(self, user_id: UUID, assignment_id: UUID) -> commands.Outcome:
        """Revert one assignment of a user."""
        lock = commands.user_lock(user_id)
        async with self.databases["assignment"].transaction(self.context, lock) as tx:
            return await commands.revert(
                tx, user_id=user_id, assignment_id=assignment_id, reason="a mistake"
            )

    async def every_row(self) -> list[Assignment]:
        """All assignments of the tenant."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            rows = await tx.connection.fetch("select * from assignment.asset_assignments")
        names = Assignment.__dataclass_fields__
        return [Assignment(**{name: row[name] for name in names}) for row in rows]

    async def states(self, asset_ids: Sequence[UUID]) -> list[AssetState]:
        """Who has assets, computed now."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            return await queries.asset_states(tx, asset_ids)

    async def newest_operation(self) -> UUID:
        """The last thing that was done."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            [operation] = await queries.operations_before(tx, None, 1)
        return operation.id

    async def has(self, user_id: UUID) -> UUID | None:
        """The asset a user has."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            asset_id: UUID | None = await tx.connection.fetchval(
                "select asset_id from assignment.active_assignments where user_id = $1", user_id
            )
        return asset_id

    async def state(self, asset_id: UUID) -> AssetState:
        """Who has an asset, computed now."""
        async with self.databases["assignment"].transaction(self.context) as tx:
            [state] = await queries.asset_states(tx, [asset_id])
        return state

    async def rows(self, user_id: UUID) -> list[dict[str, Any]]:
        """All assignments a user ever had, in the order they began."""
        rows = await self.databases.as_admin(
            "select * from assignment.asset_assignments where user_id = $1 order by valid_from, id",
            user_id,
        )
        return [dict(row) for row in rows]

    async def told(self) -> list[Envelope[Event]]:
        """Everything the service has published, in order."""
        rows = await self.databases.as_admin("select * from assignment.outbox order by seq")
        return [
            unseal(Message(row["id"], row["type"], orjson.loads(row["headers"]), row["payload"]))
            for row in rows
        ]

    async def events(self) -> list[Event]:
        """What this tenant's events say."""
        return [told.event for told in await self.told() if told.context.tenant == self.tenant]


def user_created(
    user_id: UUID, *, role: Role = "user", disabled: bool = False, version: int = 1
) -> UserCreated:
    """A person was created."""
    return UserCreated(
        user_id=user_id,
        email=f"{user_id}@example.com",
        display_name="Ada",
        role=role,
        disabled=disabled,
        version=version,
        created_at=NOON,
    )


def user_changed(user_id: UUID, **more: Any) -> UserChanged:
    """A person is called otherwise now, or something else is different."""
    fields = {
        "user_id": user_id,
        "email": f"{user_id}@example.com",
        "display_name": "Ada L.",
        "role": "user",
        "disabled": False,
        "changed": ["name"],
        "version": 2,
    }
    return UserChanged.model_validate(fields | more)


def asset_uploaded(asset_id: UUID, *, version: int = 1) -> AssetUploaded:
    """An original arrived."""
    return AssetUploaded(
        asset_id=asset_id,
        title="A film",
        filename="film.mp4",
        size_bytes=1000,
        sha256="0" * 64,
        version=version,
    )


def status_changed(
    asset_id: UUID, status: ConversionStatus, *, version: int = 2
) -> AssetStatusChanged:
    """A conversion moved on."""
    return AssetStatusChanged(
        asset_id=asset_id, status=status, previous_status="processing", version=version
    )


async def outcome(doing: Awaitable[object]) -> str:
    """What came of it: ``done``, or the code of a refusal."""
    try:
        await doing
    except Refusal as refusal:
        return refusal.code
    return "done"
