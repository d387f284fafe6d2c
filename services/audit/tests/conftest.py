"""A migrated database, and facts as other services tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit import archives, queries
from services.audit.archivist import Archivist
from services.audit.consumers import subscription
from services.audit.copies import Copies
from services.audit.domain.archive import Archive
from services.audit.examine import Examination
from services.audit.notary import Notary
from services.audit.parts import Parts
from services.audit.queries import Search
from services.audit.shelf import Shelf
from services.audit.verify import Verdict, verify
from services.audit.views import Verified
from shared.blobs.local import LocalBlobs
from shared.blobs.signing import MediaSigner
from shared.bus.port import Delivery, Outcome
from shared.contracts.actor import SYSTEM, Actor
from shared.contracts.assignment import (
    AssetAssigned,
    AssetBulkAssigned,
    AssetUnassigned,
    OperationCompleted,
)
from shared.contracts.context import Context
from shared.contracts.converter import AssetStatusChanged, AssetUploaded, RenditionReady
from shared.contracts.envelope import Envelope, seal
from shared.contracts.event import Event
from shared.contracts.identity import UserCreated
from shared.db import Database
from shared.runtime.ids import new_id
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases

Fact = Envelope[Event]

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass
class World:
    """Other services, telling facts one second apart."""

    tenant: str = "default"
    admin: UUID = field(default_factory=new_id)
    time: datetime = NOON

    def tell(self, event: Event, actor: Actor | None = None) -> Fact:
        """An event in its envelope, done by the administrator unless said otherwise."""
        self.time += timedelta(seconds=1)
        context = Context(self.tenant, actor or Actor.user(self.admin))
        return Envelope(new_id(), self.time, context, event)

    def user(self, ident: UUID, name: str = "Kim", **more: Any) -> Fact:
        """A user was created."""
        fields = {
            "user_id": ident,
            "email": f"{name.lower()}@example.com",
            "display_name": name,
            "role": "user",
            "disabled": False,
            "version": 1,
            "created_at": self.time,
        }
        return self.tell(UserCreated.model_validate(fields | more), SYSTEM)

    def asset(self, ident: UUID, title: str = "Waves", version: int = 1) -> Fact:
        """An asset was uploaded."""
        return self.tell(
            AssetUploaded(
                asset_id=ident,
                title=title,
                filename="waves.mp4",
                size_bytes=1234,
                sha256="ab" * 32,
                version=version,
            )
        )

    def completed(self, ident: UUID) -> Fact:
        """A conversion came to its end."""
        event = AssetStatusChanged(
            asset_id=ident, status="completed", previous_status="processing", version=3
        )
        return self.tell(event, SYSTEM)

    def thumbnail(self, ident: UUID, token: str) -> Fact:
        """A thumbnail can be fetched."""
        key = f"{self.tenant}/renditions/{ident}/{token}/thumbnail.jpg"
        event = RenditionReady(asset_id=ident, rendition="thumbnail", object_key=key)
        return self.tell(event, SYSTEM)

    def assigned(self, user: UUID, asset: UUID, **more: Any) -> Fact:
        """A user was given an asset."""
        fields = {
            "assignment_id": new_id(),
            "operation_id": new_id(),
            "asset_id": asset,
            "user_id": user,
            "previous_asset_id": None,
            "undo_expires_at": self.time,
        }
        return self.tell(AssetAssigned.model_validate(fields | more))

    def bulk(self, users: Sequence[UUID], asset: UUID) -> list[Fact]:
        """Users were given an asset at once, in chunks of two."""
        operation = new_id()
        each = [self.assigned(user, asset, operation_id=operation).event for user in users]
        chunks = [
            AssetBulkAssigned(operation_id=operation, asset_id=asset, assigned=each[i : i + 2])
            for i in range(0, len(each), 2)
        ]
        done = OperationCompleted(
            operation_id=operation, kind="bulk_assign", user_count=len(users), asset_id=asset
        )
        return [self.tell(event) for event in (*chunks, done)]

    def unassigned(self, user: UUID, asset: UUID, **more: Any) -> Fact:
        """An undo took an asset from a user."""
        fields = {
            "assignment_id": new_id(),
            "operation_id": new_id(),
            "asset_id": asset,
            "user_id": user,
            "previous_asset_id": None,
        }
        return self.tell(AssetUnassigned.model_validate(fields | more))


@pytest.fixture
def world() -> World:
    """Other services of the tenant ``default``."""
    return World()


TRAIL = ("assignment_history", "history_seals")
YEAR = timedelta(days=365)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@dataclass
class Trail:
    """The service's database, fed as the bus feeds it, and the directory ``outside``."""

    databases: Databases
    outside: Path

    def __post_init__(self) -> None:
        self.database: Database = self.databases["audit"]
        self._handler = subscription(self.database).handler
        copies = Copies(LocalBlobs(self.outside), self.outside / "work")
        self.notary = Notary(self.database, copies, KEY)
        self.shelf = Shelf(LocalBlobs(self.outside), self.outside / "work")
        self.archivist = Archivist(self.database, self.notary, self.shelf, YEAR)

    def parts(self, signer: MediaSigner) -> Parts:
        """What the routes work with."""
        return Parts(self.database, signer, self.notary, self.shelf, YEAR)

    async def hear(self, *facts: Fact) -> Sequence[Outcome]:
        """Deliver facts in one batch."""
        messages = [
            seal(fact.event, ident=fact.id, time=fact.time, context=fact.context) for fact in facts
        ]
        return await self._handler([Delivery(message, 0) for message in messages])

    async def entries(self, tenant: str = "default", **search: Any) -> list[dict[str, Any]]:
        """The trail as it is listed, oldest first."""
        async with self.database.transaction(Context(tenant)) as tx:
            rows = await queries.trail(tx, Search(**search), "asc", None, 10_000)
        return [dict(row) for row in rows]

    async def grow(self, world: World, count: int) -> None:
        """Add entries, two hundred a batch as the bus delivers them."""
        while count > 0:
            facts = [world.assigned(new_id(), new_id()) for _ in range(min(count, 200))]
            await self.hear(*facts)
            count -= len(facts)

    async def grow_old(self, world: World, *months: int) -> None:
        """Add entries of months that ended over a year ago, so many in each, and one of today."""
        now = datetime.now(UTC)
        for back, count in zip(range(len(months) + 13, 13, -1), months, strict=True):
            years, month = divmod(now.month - 1 - back, 12)
            then = now.replace(year=now.year + years, month=month + 1, day=15)
            self.databases.clock.offset = then - now
            await self.grow(world, count)
        self.databases.clock.offset = timedelta(0)
        await self.grow(world, 1)

    async def archived(self, tenant: str = "default") -> list[Archive]:
        """All archives, the oldest first."""
        async with self.database.transaction(Context(tenant)) as tx:
            return await archives.every(tx)

    async def online(self) -> list[int]:
        """The numbers of the entries in the database."""
        rows = await self.databases.as_admin(
            "select seq from audit.assignment_history where tenant_id = 'default' order by seq"
        )
        return [row["seq"] for row in rows]

    async def verify(self, tenant: str = "default") -> Verdict:
        """Verify the whole chain."""
        async with self.database.snapshot(Context(tenant)) as tx:
            return await verify(tx)

    async def examine(self, tenant: str = "default", *notes: str) -> Verified:
        """Verify everything, as an administrator would."""
        examination = Examination(self.database, self.notary, self.shelf, Context(tenant))
        return await examination.whole(notes)

    async def tamper(self, sql: str) -> None:
        """Do as the superuser what the triggers and foreign keys forbid."""
        connection = await asyncpg.connect(self.databases.admin_dsn)
        try:
            await connection.execute(f"set session_replication_role = replica; {sql}")
        finally:
            await connection.close()

    async def cut(self, size: int) -> None:
        """Cut off the tail, and everything that the database knows of it."""
        for table, column in (*((each, "seq") for each in TRAIL), ("checkpoints", "size")):
            await self.tamper(f"delete from audit.{table} where {column} > {size}")

    async def back_up(self) -> None:
        """Remember what is in the database."""
        for table in (*TRAIL, "history_blocks", "checkpoints"):
            await self.tamper(f"create table audit.old_{table} as table audit.{table}")

    async def restore(self) -> None:
        """Bring back what was remembered, and nothing else."""
        for table in (*TRAIL, "history_blocks", "checkpoints"):
            await self.tamper(
                f"delete from audit.{table}; insert into audit.{table} table audit.old_{table}"
            )


@pytest.fixture
async def trail(databases: OpenDatabases, tmp_path: Path) -> Trail:
    """A fresh trail."""
    made = Trail(await databases("audit"), tmp_path / "outside")
    await LocalBlobs(made.outside).open()
    return made
