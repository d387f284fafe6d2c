"""PostgreSQL breaks."""

from __future__ import annotations

import asyncio
import os
import signal

from faults.fault import Fault, Scene


async def kill_postmaster(scene: Scene) -> None:
    """``kill -9`` of the postmaster under load, again and again; it recovers on the same data.

    Survived by: services that turn a lost connection into 503 and a fresh connection, clients
    that repeat with the same Idempotency-Key, consumers that pause while the database is away.
    """
    for _ in range(scene.much(2, 15, 50)):
        await scene.load.busy()
        pid = scene.site.postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while scene.site.postgres.pid in (pid, None):
            await asyncio.sleep(0.02)


FAULTS = [Fault("F10", "postmaster killed under load", kill_postmaster, quick=True)]
