"""What a service says of itself to the gateway: how it is, and what waits in its queues."""

from __future__ import annotations

import asyncio
import platform
import shutil
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from asyncpg import Record

from shared.bus.port import Bus, BusUnavailable
from shared.contracts.topology import Queue
from shared.db import DATABASE_ERRORS, Database
from shared.operating.views import (
    BlobsView,
    DatabaseView,
    DiskView,
    OutboxView,
    PartView,
    QueueView,
    SpaceView,
    StatusView,
)
from shared.runtime.version import product_version
from shared.web import Call, Health, Routes

SECONDS = 2.0
"""How long each figure may take; after that it is not known."""

T = TypeVar("T")

_OUTBOX = """
select count(*), extract(epoch from clock_timestamp() - min(created_at))::float8
from {schema}.outbox
"""

_DATABASE = """
select current_setting('server_version') as version,
    pg_database_size(current_database()) as size_bytes,
    current_setting('max_connections')::int as max_connections,
    (select count(*) from pg_stat_activity where datname = current_database()) as connections,
    (select extract(epoch from clock_timestamp() - min(xact_start))::float8
        from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    ) as oldest_transaction_seconds
"""

routes = Routes("Status")


@dataclass(frozen=True, slots=True)
class Status:
    """A service, seen from inside; ``blobs`` is the directory of files, if they are in one."""

    name: str
    health: Health
    bus: Bus
    database: Database | None
    queues: Sequence[Queue]
    data_dir: Path
    blobs: Path | None
    started_at: datetime

    async def view(self) -> StatusView:
        """Everything there is to say, within a few seconds whatever is away."""
        health, outbox, database, *queues = await asyncio.gather(
            self.health.told(),
            _if_told(self._outbox()),
            _if_told(self._database()),
            *(self._queue(queue) for queue in self.queues),
        )
        return StatusView(
            name=self.name,
            status=health["status"],
            version=product_version(),
            started_at=self.started_at,
            uptime_seconds=(datetime.now(UTC) - self.started_at).total_seconds(),
            parts=[PartView.model_validate(check) for check in health["checks"]],
            outbox=outbox,
            queues=queues,
            database=database and DatabaseView.model_validate(dict(database)),
            disk=disk(self.data_dir, self.blobs),
            python=platform.python_version(),
            postgresql=database["version"] if database else None,
            broker=self.bus.version(),
        )

    async def _outbox(self) -> OutboxView | None:
        if self.database is None:
            return None
        sql = _OUTBOX.format(schema=self.database.schema)
        waiting, oldest = await self.database.pool.fetchrow(sql) or (0, None)
        return OutboxView(waiting=waiting, oldest_seconds=_seconds(oldest))

    async def _database(self) -> Record | None:
        """As the account that connects: what sessions do, a role sees of its own alone."""
        if self.database is None:
            return None
        async with (
            self.database.pool.acquire(timeout=SECONDS) as connection,
            connection.transaction(readonly=True),
        ):
            await connection.execute("set local role none")
            return await connection.fetchrow(_DATABASE)

    async def _queue(self, queue: Queue) -> QueueView:
        depth = await _if_told(self.bus.depth(queue.name))
        oldest = depth and depth.oldest
        return QueueView(
            name=queue.name,
            service=self.name,
            ready=depth and depth.ready,
            parked=depth and depth.parked,
            consumers=depth and depth.consumers,
            oldest_seconds=_seconds((datetime.now(UTC) - oldest).total_seconds())
            if oldest
            else None,
        )


@routes.get("/internal/status", access="internal")
async def show_status(call: Call[Status]) -> StatusView:
    """How this service is."""
    return await call.parts.view()


def disk(data_dir: Path, blobs: Path | None) -> DiskView:
    """Where data and files are kept, and what is free there."""
    kept = BlobsView(kind="s3") if blobs is None else BlobsView(kind="directory", space=_at(blobs))
    return DiskView(data=_at(data_dir), blobs=kept)


def _at(path: Path) -> SpaceView:
    """The file system that a directory is on, or will be once it is made."""
    place = path.absolute()
    usage = shutil.disk_usage(next(each for each in (place, *place.parents) if each.exists()))
    return SpaceView(total_bytes=usage.total, free_bytes=usage.free)


def _seconds(told: float | None) -> float | None:
    """Clocks differ a little: nothing is younger than now."""
    return None if told is None else round(max(0.0, told), 3)


async def _if_told(figure: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(SECONDS):
            return await figure
    except (BusUnavailable, *DATABASE_ERRORS):
        return None
