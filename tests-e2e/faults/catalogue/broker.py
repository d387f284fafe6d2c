"""RabbitMQ breaks."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial

from faults import ledger
from faults.fault import Fault, Length, Scene
from harness.waiting import eventually

NOTICED = 35.0
"""Seconds until every service knows that nobody is at the other end: three heartbeats."""

LONGEST_WRITE = 10.0

_MOST_WAITING = 60
"""Events that may wait in an outbox, where they are to be too many soon."""

_HIRED, _AT_ONCE = 250, 10
"""People, and those of them who may be on their way while a service sees that it is full."""

_ACKED, _FILLED = 25.0, 60.0

WRITES = ("create", "assign", "bulk", "undo", "upload")


async def freeze(scene: Scene) -> None:
    """SIGSTOP of the broker: its connections stay open, and nothing answers.

    Survived by: the outbox, which takes what is said meanwhile; deadlines around everything that
    is asked of the broker; heartbeats.
    """
    began = time.time()
    scene.site.broker.pause()
    try:
        await asyncio.sleep(scene.much(20, 60))
    finally:
        scene.site.broker.resume()
    thawed = time.time()
    if scene.length > Length.QUICK:
        _check_noticed(scene, began)
    check_writes(scene, began, thawed)
    check_ready(scene, began, thawed)


def _check_noticed(scene: Scene, began: float) -> None:
    for name in scene.site.members:
        if name != "gateway":
            looks = scene.load.vitals.between(began, began + NOTICED + 5, name)
            noticed = any(look.told == "degraded" for look in looks)
            scene.expect(noticed, f"I8: {name} did not notice within {NOTICED:g} s")


def check_writes(
    scene: Scene, began: float, over: float, *, kinds: Collection[str] = WRITES, least: int = 20
) -> None:
    """People could work meanwhile as ever."""
    attempts = [
        attempt
        for call in scene.load.history.calls
        for attempt in call.attempts
        if call.kind in kinds and began <= attempt.at <= over
    ]
    scene.expect(len(attempts) > least, f"I1: only {len(attempts)} writes during the outage")
    for attempt in attempts:
        fine = attempt.status is not None and attempt.status < 500
        scene.expect(fine, f"I1: a write was answered {attempt.status} {attempt.error}")
        scene.expect(attempt.seconds < LONGEST_WRITE, f"a write took {attempt.seconds:.0f} s")


def check_ready(scene: Scene, began: float, over: float) -> None:
    """A broker that is away makes no service unready."""
    for look in scene.load.vitals.between(began, over):
        scene.expect(look.ready == 200, f"I8: {look.name} was not ready ({look.ready})")


async def alarm(scene: Scene) -> None:
    """The broker is short of memory, and reads nothing from who publishes, for longer than some
    outbox can hold it.

    Survived by: the outbox, up to its limit, and then 503 with Retry-After; a connection of its own
    for consuming, whose acknowledgements are read all the same; deadlines.
    """
    identity = scene.site.members["identity"]
    await identity.restart(MARQUEE_OUTBOX_MAX=str(_MOST_WAITING))
    hiring = None
    try:
        async with _unheard(scene, "notifier"):
            await eventually(partial(_gathered, scene, "notifier.store"), within=_FILLED)
            await scene.site.broker.control("set_vm_memory_high_watermark", "0")
        began = time.time()
        hiring = asyncio.create_task(scene.load.hire(_HIRED, scene.random))
        await eventually(partial(_settled, scene, "notifier.store"), within=_ACKED)
        await eventually(partial(_refused, scene, began), within=_FILLED)
        full = await _waiting(scene)
        await asyncio.sleep(scene.much(2, 10, 30))
        over, later = time.time(), await _waiting(scene)
        scene.expect(full >= _MOST_WAITING, f"F8: full with {full} of {_MOST_WAITING} events")
        scene.expect(later <= full + _AT_ONCE, f"F8: full with {full} events, and took {later}")
    finally:
        await scene.site.broker.control("set_vm_memory_high_watermark", "absolute", "1GB")
        del identity.environment["MARQUEE_OUTBOX_MAX"]
        try:
            if hiring is not None:
                await hiring
        finally:
            await identity.restart()
    check_writes(scene, began, over, kinds=("assign", "bulk", "undo", "upload"))
    check_ready(scene, began, over)


async def _waiting(scene: Scene) -> int:
    async with ledger.opened(scene.site) as books:
        return (await books.waiting()).get("identity.outbox", 0)


@asynccontextmanager
async def _unheard(scene: Scene, name: str) -> AsyncIterator[None]:
    """Somebody hears nothing for the length of the block, so that messages gather."""
    scene.load.frozen.add(name)
    scene.site.members[name].signal(signal.SIGSTOP)
    try:
        yield
    finally:
        scene.site.members[name].signal(signal.SIGCONT)


async def _gathered(scene: Scene, queue: str) -> None:
    async with ledger.opened(scene.site) as books:
        assert await books.held(queue) > 0, f"F8: nothing waits in {queue}"


async def _settled(scene: Scene, queue: str) -> None:
    async with ledger.opened(scene.site) as books:
        held = await books.held(queue)
    assert not held, f"F8: {held} messages of {queue} are not acknowledged"


async def _refused(scene: Scene, since: float) -> None:
    refused = (
        attempt
        for call in scene.load.history.calls
        for attempt in call.attempts
        if call.kind == "create" and attempt.at > since and attempt.status == 503
    )
    assert any(refused), "F8: a full outbox takes more"


FAULTS = [
    Fault("F4", "broker frozen", freeze, quick=True),
    Fault("F8", "broker short of memory", alarm),
]
