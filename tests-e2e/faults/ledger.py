"""What the databases and the broker hold, past every fence: for the checker alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aio_pika.exceptions import ChannelNotFoundEntity

from faults.failpoints import RETRY_DELAYS
from faults.site import Site
from harness.fleet import SERVICES
from shared.bus.rabbit.topology import Counts, Topology
from shared.contracts.topology import QUEUES
from shared.testing.brokers import connected
from shared.testing.rabbit import management

Row = asyncpg.Record

_CALM = 3

_TOPOLOGY = Topology(retry_delays=RETRY_DELAYS)
_DELAYS = [_TOPOLOGY.retry(attempt) or "" for attempt in range(len(RETRY_DELAYS))]
"""Queues in which what failed waits for its next attempt."""

REGRESSIONS = """
create schema if not exists faults;
create table if not exists faults.regressions (
    told text not null, was bigint not null, came bigint not null
);
create or replace function faults.note_regression() returns trigger language plpgsql
security definer as $$
declare
    was bigint := (to_jsonb(old) ->> tg_argv[0])::bigint;
    came bigint := (to_jsonb(new) ->> tg_argv[0])::bigint;
begin
    if came < was then
        insert into faults.regressions
        values (tg_table_schema || '.' || tg_table_name || '.' || tg_argv[0], was, came);
    end if;
    return new;
end $$;
"""

VERSIONED = {
    "converter.admin_media_assets": ("version", "assignment_version"),
    "converter.users": ("version",),
    "assignment.users": ("version",),
    "assignment.assets": ("version",),
    "assignment.asset_states": ("version",),
    "audit.users": ("version",),
    "audit.assets": ("version",),
    "notifier.streams": ("last_offset",),
}
"""Columns that may only grow. A trigger of ours notes whenever one does not."""


class Ledger:
    """A superuser's connection, and one to the broker past the proxy."""

    def __init__(self, site: Site, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._site = site
        self._connection = connection

    async def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """All rows of a query."""
        return await self._connection.fetch(sql, *arguments)

    async def one(self, sql: str, *arguments: Any) -> Any:
        """The first value of a query."""
        return await self._connection.fetchval(sql, *arguments)

    async def force(self, *statements: str) -> None:
        """Change something in one transaction, past every trigger and foreign key."""
        async with self._connection.transaction():
            await self._connection.execute("set local session_replication_role = replica")
            for statement in statements:
                await self._connection.execute(statement)

    async def waiting(self) -> dict[str, int]:
        """Rows that are still to be moved, by where they wait."""
        places = [f"{name}.outbox" for name in SERVICES] + ["assignment.dirty_assets"]
        counts = {place: await self.one(f"select count(*) from {place}") for place in places}
        return {place: count for place, count in counts.items() if count}

    async def queued(self) -> dict[str, int]:
        """Ready messages by queue, parked and delayed ones, too; without the empty ones."""
        own = [name for queue in QUEUES for name in (queue.name, queue.parked)]
        counts = await self._counts([*own, *_DELAYS])
        return {name: each.message_count for name, each in counts.items() if each.message_count}

    async def held(self, queue: str) -> int:
        """Messages of a queue, also those that somebody has and has not settled; 5 s late."""
        async with (
            management(self._site.broker.management) as session,
            session.get(f"/api/queues/%2F/{queue}") as answer,
        ):
            return int((await answer.json())["messages"])

    async def consumers(self) -> dict[str, int]:
        """How many consume each queue; of one that is not there, nobody does."""
        counts = await self._counts(queue.name for queue in QUEUES)
        return {name: each.consumer_count or 0 for name, each in counts.items()}

    async def _counts(self, names: Iterable[str]) -> dict[str, Counts]:
        counts = {}
        async with connected(self._site.broker.url) as connection:
            channel = await connection.channel()
            for name in names:
                try:
                    queue = await channel.declare_queue(name, passive=True)
                    counts[name] = queue.declaration_result
                except ChannelNotFoundEntity:  # which also ends the channel
                    counts[name] = Counts()
                    channel = await connection.channel()
        return counts

    async def forget_parked(self) -> None:
        """Empty the parked queues, so that the next fault finds none of this one's poison."""
        async with connected(self._site.broker.url) as connection:
            channel = await connection.channel()
            for queue in QUEUES:
                await (await channel.get_queue(queue.parked)).purge()

    async def settled(self, *, within: float = 120) -> None:
        """Wait until nothing is on its way; parked messages are where they belong."""
        calm = 0
        waiting: dict[str, int] = {}
        try:
            async with asyncio.timeout(within):
                while calm < _CALM:
                    waiting = await self.waiting() or {
                        name: count
                        for name, count in (await self.queued()).items()
                        if not name.endswith(".parked")
                    }
                    calm = 0 if waiting else calm + 1
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"I6: still waiting after {within:g} s: {waiting}") from None


async def watch_versions(site: Site) -> None:
    """Note from now on whenever a version goes back."""
    connection = await asyncpg.connect(site.dsn)
    try:
        await connection.execute(REGRESSIONS)
        for table, columns in VERSIONED.items():
            for column in columns:
                await connection.execute(
                    f"create trigger never_back_{column} before update on {table} for each row "
                    f"execute function faults.note_regression('{column}')"
                )
    finally:
        await connection.close()


@asynccontextmanager
async def opened(site: Site) -> AsyncIterator[Ledger]:
    """Look inside."""
    connection = await asyncpg.connect(site.dsn)
    try:
        yield Ledger(site, connection)
    finally:
        await connection.close()
