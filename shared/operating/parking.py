"""Parked messages: what a service gave up on, shown by tenant, and replayed once each.

They stay where they are parked, so that a broker's own tools see them too. To replay one is one
transaction: it is noted as replayed, put into the outbox for its queue alone, and told to the
trail. Only then is it taken from where it was parked; if a crash comes between, the note says that
it is left to be removed, and nothing is lost or done twice.

Who may see what: a message belongs to the tenant that it names. One that names none, because it
is malformed or the system's own, is shown to administrators of the tenant ``default``: they run
the installation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import crc32

import structlog
from asyncpg import Record
from sqlalchemy import (
    ARRAY,
    MetaData,
    Uuid,
    any_,
    bindparam,
    false,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from shared.bus.port import Bus, BusUnavailable, ParkedMessage
from shared.contracts.context import DEFAULT_TENANT, Context
from shared.contracts.maintenance import Maintenance
from shared.contracts.refusal import Refusal
from shared.contracts.topology import Queue
from shared.db import DATABASE_AWAY, Database, Statement, Tx
from shared.db.database import EVERY_TENANT, is_tenant
from shared.operating.tables import replays

LOOKED_AT = 2000
"""Parked messages of one queue that are looked at; those behind come into sight after them."""

TIDY_SECONDS = 10.0

_LOOKING = 0x6D617271 << 32
"""Locks, one a schema, held while a process looks: another would see only the rest."""

log = structlog.get_logger()


class ParkedNotFound(Refusal):
    """The tenant has no parked message of this id, and none was replayed."""

    code = "parked_not_found"
    status = 404
    title = "No such parked message"


@dataclass(frozen=True, slots=True)
class Replay:
    """That a parked message was replayed; ``new`` if just now."""

    id: UUID
    queue: str
    message_id: UUID
    replayed_at: datetime
    replayed_by: str
    new: bool = False


class Notes:
    """The statements on the table of one schema."""

    def __init__(self, schema: str) -> None:
        table = replays(MetaData(schema=schema))
        columns = ("id", "queue", "message_id", "replayed_at", "replayed_by")
        every: dict[str, Any] = {name: bindparam(name) for name in columns}
        named = table.c.id == any_(bindparam("idents", type_=ARRAY(Uuid)))
        self._add = Statement(
            insert(table).values(every).on_conflict_do_nothing().returning(table.c.id)
        )
        self._of = Statement(select(*(table.c[name] for name in columns)).where(named))
        self._left = Statement(select(table.c.id, table.c.queue).where(table.c.removed.is_(False)))
        self._mark = {
            removed: Statement(
                update(table).where(named).values(removed=true() if removed else false())
            )
            for removed in (True, False)
        }

    async def add(self, tx: Tx, replay: Replay) -> bool:
        """Note a replay; False if that one is noted already."""
        given = {name: getattr(replay, name) for name in ("id", "queue", "message_id")}
        when_and_who = {"replayed_at": replay.replayed_at, "replayed_by": replay.replayed_by}
        return await tx.fetchval(self._add, **given, **when_and_who) is not None

    async def of(self, tx: Tx, idents: Collection[UUID]) -> dict[UUID, Replay]:
        """Those of these parkings that were replayed."""
        rows = await tx.fetch(self._of, idents=list(idents))
        return {row["id"]: Replay(**row) for row in rows}

    async def left(self, tx: Tx) -> list[Record]:
        """What was replayed and is not known to be removed."""
        return await tx.fetch(self._left)

    async def mark(self, tx: Tx, idents: Collection[UUID], *, removed: bool) -> None:
        """Say whether they are removed."""
        await tx.execute(self._mark[removed], idents=list(idents))


@dataclass(frozen=True, slots=True)
class ParkingLot:
    """What is parked beside the queues of one service; ``deed`` is how it tells of a replay."""

    database: Database
    bus: Bus
    queues: Sequence[Queue]
    deed: type[Maintenance]
    notes: Notes = field(init=False)
    _looking: int = field(init=False)
    _woken: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        schema = self.database.schema
        object.__setattr__(self, "notes", Notes(schema))
        object.__setattr__(self, "_looking", _LOOKING + crc32(schema.encode()))

    async def look(self, context: Context, queue: str | None = None) -> list[ParkedMessage]:
        """What the tenant may see, each once, newest first. Raises BusUnavailable.

        Copies of what was replayed are not shown; they are left for removal.
        """
        names = [each.name for each in self.queues if queue in (None, each.name)]
        async with self.database.transaction(context, self._looking) as tx:
            found = {
                message.id: message
                for name in names
                for message in await self.bus.parked(name, LOOKED_AT)
                if visible(message, context.tenant)
            }
            replayed = await self.notes.of(tx, found)
            if replayed:
                await self.notes.mark(tx, replayed, removed=False)
        waiting = [message for ident, message in found.items() if ident not in replayed]
        return sorted(waiting, key=lambda each: (each.parked_at, each.id), reverse=True)

    async def find(self, context: Context, ident: UUID) -> ParkedMessage:
        """One of them. Raises ParkedNotFound and BusUnavailable."""
        for message in await self.look(context):
            if message.id == ident:
                return message
        raise ParkedNotFound(f"There is no parked message {ident}.")

    async def replayed(self, context: Context, ident: UUID) -> Replay | None:
        """What became of one that was replayed."""
        async with self.database.transaction(context) as tx:
            return (await self.notes.of(tx, [ident])).get(ident)

    async def replay(self, tx: Tx, parked: ParkedMessage) -> Replay:
        """Send a message to its queue again, once; who asks a second time is told of the first."""
        replay = Replay(
            parked.id,
            parked.queue,
            parked.message.id,
            await tx.now(),
            str(tx.context.actor),
            new=True,
        )
        if not await self.notes.add(tx, replay):
            return (await self.notes.of(tx, [parked.id]))[parked.id]
        tx.forward(parked.again(), to=parked.queue)
        tx.emit(
            self.deed(
                maintenance_id=tx.new_id(),
                kind="message_replayed",
                queue=parked.queue,
                event_id=parked.message.id,
            )
        )
        return replay

    def wake(self) -> None:
        """Something was replayed; call it after the commit."""
        self._woken.set()

    async def run(self) -> None:
        """Remove what was replayed, when woken and regularly."""
        while True:
            try:
                await self.tidy()
            except (BusUnavailable, *DATABASE_AWAY) as error:
                log.warning("replayed_not_removed", error=repr(error))
            await self._rest()

    async def tidy(self) -> int:
        """Remove every copy of what was replayed from where it was parked; return how many."""
        async with self.database.system_transaction() as tx:
            left = await self.notes.left(tx)
        if not left:
            return 0
        by_queue: dict[str, list[UUID]] = {}
        for row in left:
            by_queue.setdefault(row["queue"], []).append(row["id"])
        return sum([await self._remove(*each) for each in by_queue.items()])

    async def _remove(self, queue: str, idents: list[UUID]) -> int:
        async with self.database.transaction(Context(EVERY_TENANT), self._looking) as tx:
            removed = await self.bus.discard(queue, set(idents))
            await self.notes.mark(tx, idents, removed=True)
        return removed

    async def _rest(self) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(TIDY_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return


def tenant_of(message: ParkedMessage) -> str | None:
    """The tenant that a message names, if it names one that could be."""
    named = message.message.headers.get("ce-tenantid", "")
    return named if is_tenant(named) else None


def visible(message: ParkedMessage, tenant: str) -> bool:
    """Whether administrators of a tenant may see a message."""
    return tenant == (tenant_of(message) or DEFAULT_TENANT)
