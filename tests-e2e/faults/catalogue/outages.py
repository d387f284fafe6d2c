"""The broker is away, or forgets what it knew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faults import ledger
from faults.catalogue.broker import check_ready, check_writes
from faults.catalogue.converting import busy_with_a_long_film, check_not_charged
from faults.fault import Fault, Scene
from faults.supervisor import Member
from harness.waiting import eventually
from shared.contracts.identity import UserCreated
from shared.contracts.topology import CONVERTER_TICKETS, EXCHANGE
from shared.testing.brokers import connected

BACK = 15.0
"""Seconds from an open port until everybody consumes again."""

TENDED = 20.0
"""Seconds in which a link is surely tended once."""

_DAZED = 0.5
"""The part of crashes that begin with a machine that is too busy to answer."""

WATCHED = 30.0
"""Seconds until what was taken away from a running broker is there again."""


async def kill_broker(scene: Scene) -> None:
    """``kill -9`` of the broker under load, again and again, on the same data; sometimes it takes
    no notice any more for a second before.

    Survived by: confirms (the outbox forgets only what is on disk), quorum queues, and a link that
    is made anew with all that belongs on it. No process is restarted.
    """
    began = time.time()
    async with _without_restart(scene):
        for _ in range(scene.much(1, 6, 100)):
            await scene.load.busy()
            if scene.random.random() < _DAZED:
                scene.site.broker.pause()
                await asyncio.sleep(1)
            await scene.site.broker.kill()
            await scene.site.broker.start()
            await _all_consume(scene, BACK)
    await check_not_charged(scene, began)


async def restart_broker(scene: Scene) -> None:
    """The broker is shut down in order, and started again: 320 CONNECTION_FORCED.

    Survived by: the same as a kill; what is handed out and not acknowledged comes again, and that
    is charged neither to messages (none is parked) nor to jobs.
    """
    began = time.time()
    async with _without_restart(scene):
        for _ in range(scene.much(1, 4, 20)):
            await scene.load.busy()
            await scene.site.broker.stop()
            await scene.site.broker.start()
            await _all_consume(scene, BACK)
    await check_not_charged(scene, began)


async def long_outage(scene: Scene) -> None:
    """No broker for two minutes, while a film is converted and people work.

    Survived by: the outbox; conversions that are no children of the connection that brought their
    ticket, and are fenced by their lease in the database.
    """
    async with _without_restart(scene):
        asset, _ = await busy_with_a_long_film(scene)
        began = time.time()
        await scene.site.broker.kill()
        try:
            await scene.load.ended(asset, within=100)
            await asyncio.sleep(max(0.0, began + scene.much(20, 120) - time.time()))
        finally:
            over = time.time()
            await scene.site.broker.start()
        await _all_consume(scene, BACK)
    check_writes(scene, began, over)
    check_ready(scene, began, over)
    async with ledger.opened(scene.site) as books:
        (job,) = await books.rows(
            "select status, retry_count, lost_workers from converter.queue_jobs"
            " where asset_id::text = $1",
            asset,
        )
    scene.expect(tuple(job) == ("completed", 0, 0), f"I3: it was interrupted: {dict(job)}")


async def delete_queue(scene: Scene) -> None:
    """The queue of tickets is deleted under its consumers, who are cancelled by the broker.

    Survived by: the cancellation that kicks the link, the declaration with every tending, and the
    sweeper, which issues the tickets that are missing.
    """
    name = CONVERTER_TICKETS.name
    began = time.time()
    async with _without_restart(scene):
        async with connected(scene.site.broker.url) as connection:
            await (await connection.channel()).queue_delete(name)
        await _all_consume(scene, WATCHED)
    await check_not_charged(scene, began)


async def unbind(scene: Scene) -> None:
    """A queue loses one binding; then an event loses all of them and cannot be routed.

    Survived by: the declaration with every tending; a resync, which tells again what was missed;
    mandatory publishing, by which an event without a queue stays in the outbox.
    """
    await _unbind(scene, "assignment.facts")
    (missed,) = await scene.load.hire(1, scene.random)
    await asyncio.sleep(TENDED)
    (told,) = await scene.load.hire(1, scene.random)
    await _known(scene, told, within=TENDED / 2)
    await scene.load.client.post("/api/admin/resync", {"consumer": "assignment"}, expect=202)
    await _known(scene, missed, within=TENDED)
    await _unbind(scene, "assignment.facts", "converter.facts", "audit.trail")
    began = time.time()
    (held_up,) = await scene.load.hire(1, scene.random)
    await _known(scene, held_up, within=WATCHED)
    scene.recovered = time.time() - began


async def _unbind(scene: Scene, *queues: str) -> None:
    """Let no word of new users come to these."""
    async with connected(scene.site.broker.url) as connection:
        channel = await connection.channel()
        for name in queues:
            queue = await channel.get_queue(name)
            await queue.unbind(EXCHANGE, UserCreated.name)


async def _known(scene: Scene, user: str, *, within: float) -> None:
    async def known() -> None:
        async with ledger.opened(scene.site) as books:
            sql = "select known from assignment.users where id::text = $1"
            assert await books.one(sql, user), f"I1: {user} is not known"

    await eventually(known, within=within)


async def _all_consume(scene: Scene, within: float) -> None:
    async def consuming() -> None:
        async with ledger.opened(scene.site) as books:
            consumers = await books.consumers()
        assert all(consumers.values()), f"nobody consumes: {consumers}"
        assert consumers[CONVERTER_TICKETS.name] == 3, consumers

    await eventually(consuming, within=within)


@asynccontextmanager
async def _without_restart(scene: Scene) -> AsyncIterator[None]:
    """Whoever ran before the block is the same process after it."""

    def lives(member: Member) -> int:
        return len(member.codes)

    before = {member.name: lives(member) for member in scene.site.members.values()}
    yield
    for member in scene.site.members.values():
        scene.expect(lives(member) == before[member.name], f"{member.name} was restarted")


FAULTS = [
    Fault("F3", "broker killed under load", kill_broker),
    Fault("F5", "broker restarted in order", restart_broker),
    Fault("F6", "queue deleted under its consumers", delete_queue),
    Fault("F7", "bindings removed", unbind),
    Fault("F16", "broker away for two minutes", long_outage),
]
