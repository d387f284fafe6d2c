"""PostgreSQL ends sessions, has none left, and makes people wait."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import asyncpg

from faults.fault import Fault, Scene
from faults.history import Attempt, Call

LONGEST_WAIT = 12.0
"""Seconds after which everybody has been told to come again."""

FIRST_TIME = 0.9
"""The part of calls that must succeed within ``SOON`` although sessions are ended all the time."""

SOON = 5.0


async def lose_sessions(scene: Scene) -> None:
    """Sessions ended by the dozen; then no session is left; then a table is locked.

    Survived by: pools that let go of what was ended, 503 with Retry-After instead of waiting for
    ever (``lock_timeout``, the pool's own), and pools of a size that cannot starve the others.
    """
    await _terminate(scene, scene.much(10, 30, 60))
    await _exhaust(scene, scene.much(5, 15))
    await _lock(scene, 20)


async def _terminate(scene: Scene, seconds: float) -> None:
    began = time.time()
    admin = await asyncpg.connect(scene.site.dsn)
    try:
        while time.time() < began + seconds:
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name like 'marquee%' order by random() limit 1"
            )
            await asyncio.sleep(0.1)
    finally:
        await admin.close()
    calls = [call for call in scene.load.history.calls if began <= call.invoked <= time.time() - 1]
    soon = sum(1 for call in calls if call.outcome == "ok" and _took(call) < SOON)
    ratio = soon / max(1, len(calls))
    scene.expect(ratio >= FIRST_TIME, f"F11: {ratio:.2f} of {len(calls)} calls succeeded soon")


async def _exhaust(scene: Scene, seconds: float) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(300):
            try:
                session = await asyncpg.connect(scene.site.dsn)
            except (asyncpg.PostgresError, OSError):
                break
            stack.push_async_callback(session.close)
        began = time.time()
        await asyncio.sleep(seconds)
    _check_waits(scene, began)


async def _lock(scene: Scene, seconds: float) -> None:
    """Who needs the table is told to come again; who does not, notices nothing."""
    admin = await asyncpg.connect(scene.site.dsn)
    try:
        async with admin.transaction():
            await admin.execute("lock table assignment.operations")
            began = time.time()
            caller = scene.load.caller("beside", scene.random)
            while time.time() < began + seconds:
                email = f"{scene.random.getrandbits(64):x}@example.com"
                body = {"email": email, "name": "beside"}
                call = await caller.call("create", "/api/admin/users", body, about={"email": email})
                scene.expect(_took(call) < SOON, f"F11: beside a lock, a call took {_took(call)}")
                await asyncio.sleep(0.5)
    finally:
        await admin.close()
    refused = [attempt for attempt in _check_waits(scene, began) if attempt.status == 503]
    scene.expect(bool(refused), "F11: nobody was told to come again")


def _check_waits(scene: Scene, since: float) -> list[Attempt]:
    """Nobody waited for ever; return what was tried at the desks."""
    attempts = [
        attempt
        for call in scene.load.history.calls
        for attempt in call.attempts
        if call.kind in ("assign", "bulk", "undo") and attempt.at >= since
    ]
    longest = max((attempt.seconds for attempt in attempts), default=0.0)
    scene.expect(longest < LONGEST_WAIT, f"F11: somebody waited {longest:.1f} s for an answer")
    return attempts


def _took(call: Call) -> float:
    last = call.attempts[-1]
    return last.at + last.seconds - call.invoked


FAULTS = [Fault("F11", "sessions ended, none left, table locked", lose_sessions)]
