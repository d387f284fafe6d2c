"""Many listen, and the notifier dies."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

from faults import mute
from faults.fault import Fault, Scene
from faults.watcher import Watcher
from shared.bus.ending import end

_BACK = 60.0

_TIMES = 100
"""Requests for all there is, together more than any buffer on the way takes."""

_CUT_OFF = 30.0
"""Seconds until who reads nothing is cut off: ten, and some until a busy machine has filled all
buffers on the way, of which the kernel's alone may hold megabytes."""

_NOISE = 1.0
"""Seconds that a busy machine may add to what is heard."""


async def crowd(scene: Scene) -> None:
    """One listener reads nothing of all it asks for, while the others listen; then the notifier is
    killed while much is told, and all its listeners come back at once.

    Survived by: a line's end when it takes nothing for 5 seconds, and no wait for its goodbye;
    offsets that the database gives, and every replica can replay from.
    """
    listeners = [
        Watcher(scene.load.client, pause=scene.random.uniform(0.5, 2))
        for _ in range(scene.much(50, 200, 1000))
    ]
    tasks = [asyncio.create_task(each.watch()) for each in listeners]
    try:
        await _all(listeners, 1)
        people = await scene.load.hire(100, scene.random)
        await _endure_a_mute(scene, listeners, people)
        telling = asyncio.create_task(_tell_much(scene, people))
        await asyncio.sleep(1)
        await scene.site.members["notifier"].kill()
        killed = time.time()
        await _all(listeners, 2)
        scene.recovered = time.time() - killed
        await telling
        await _same(scene, listeners)
    finally:
        await end(tasks)


async def _endure_a_mute(scene: Scene, listeners: list[Watcher], people: list[str]) -> None:
    """It is cut off in time, and nobody else hears later for it."""
    usually = await _delay(scene, listeners, people)
    async with mute.connected(scene.load.client) as line:
        await mute.ask_for_everything(line, scene.load.watcher, _TIMES)
        asked = time.time()
        cutting = asyncio.create_task(mute.cut_off(line))
        meanwhile = await _delay(scene, listeners, people)
        done, _ = await asyncio.wait([cutting], timeout=max(0.0, asked + _CUT_OFF - time.time()))
        cutting.cancel()
    scene.expect(bool(done), f"F22: who reads nothing is still there after {_CUT_OFF:g} s")
    scene.expect(
        meanwhile < 1.1 * usually + _NOISE,
        f"F22: with one who reads nothing, others heard after {meanwhile:.2f} s, not {usually:.2f}",
    )


async def _delay(scene: Scene, listeners: list[Watcher], people: list[str]) -> float:
    """Seconds until 99 of 100 listeners have heard what happens now."""
    began = {id(each): each.offset or 0 for each in listeners}
    await _tell_much(scene, people)
    await asyncio.sleep(2)
    delays = sorted(
        at - datetime.fromisoformat(frame["time"]).timestamp()
        for each in listeners
        for offset, (at, frame) in list(each.told.items())
        if offset > began[id(each)]
    )
    return delays[len(delays) * 99 // 100]


async def _all(listeners: list[Watcher], connections: int) -> None:
    async with asyncio.timeout(_BACK):
        while any(each.connections < connections for each in listeners):
            await asyncio.sleep(0.05)


async def _tell_much(scene: Scene, people: list[str]) -> None:
    """Some hundred events at once."""
    caller = scene.load.caller("crowd", scene.random)
    for film in scene.crew.films * 2:
        about = {"asset_id": film, "user_ids": people}
        await caller.call("bulk", "/api/admin/assets/bulk-assign", about, about=about)


async def _same(scene: Scene, listeners: list[Watcher]) -> None:
    """Everybody has heard the same, from where they began."""
    first = max(each.first or 0 for each in listeners)
    async with asyncio.timeout(30):
        while True:
            last = scene.load.watcher.offset or 0
            if all((each.offset or 0) >= last for each in listeners):
                break
            await asyncio.sleep(0.1)
    wanted = {at for at in scene.load.watcher.told if first < at <= last}
    for number, each in enumerate(listeners):
        missed = wanted - each.told.keys()
        scene.expect(not missed, f"I9: listener {number} missed {len(missed)} events")
        scene.notes += [f"I9: listener {number}: {wrong}" for wrong in each.wrongs]


FAULTS = [Fault("F22", "a crowd of listeners loses its notifier", crowd)]
