"""The line to the broker is bad."""

from __future__ import annotations

import asyncio
import time

from faults.catalogue.broker import check_ready, check_writes
from faults.catalogue.converting import check_not_charged
from faults.fault import Fault, Scene
from shared.testing.proxy import FAIR, Weather

SLOW = Weather(latency=0.5, jitter=0.3)
SLICED = Weather(slice=1)
LOST = Weather(swallow=True)


async def bad_line(scene: Scene) -> None:
    """Slow, cut into single bytes, reset in the middle of a frame, silent, and half open.

    Survived by: deadlines around everything that is asked of the broker, heartbeats, confirms, and
    the inbox for what was published or delivered twice.
    """
    line = scene.site.to_broker
    began = time.time()
    try:
        for weather, seconds in ((SLOW, 15.0), (SLICED, 8.0)):
            line.weather = weather
            await asyncio.sleep(scene.much(seconds / 3, seconds))
        for _ in range(scene.much(3, 6, 20)):
            await asyncio.sleep(scene.random.uniform(0.2, 1.0))
            await line.reset()
            line.weather = FAIR
            await asyncio.sleep(1)
            line.weather = SLICED
        line.weather = LOST
        await asyncio.sleep(scene.much(12, 20, 45))
        await line.reset()
    finally:
        line.weather = FAIR
    check_writes(scene, began, time.time())
    check_ready(scene, began, time.time())
    await check_not_charged(scene, began)


FAULTS = [Fault("F9", "bad line to the broker", bad_line)]
