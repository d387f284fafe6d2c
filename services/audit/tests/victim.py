"""A process that archives until it is killed at a step: ``python -m ... DSN OUTSIDE STEP``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from services.audit import archives, archivist, trail
from services.audit.copies import Copies
from services.audit.notary import Notary
from services.audit.scribe import Scribe
from services.audit.shelf import Shelf
from services.audit.tests.conftest import KEY, YEAR
from shared.blobs.local import LocalBlobs
from shared.db.database import Clock, Database, open_pool
from shared.runtime.ids import new_id
from shared.testing.databases import CIPHER

STEPS: dict[str, tuple[Any, str]] = {
    "file written": (Shelf, "put"),
    "file read back": (Scribe, "_read_back"),
    "archive noted, not committed": (archives, "append"),
    "archive noted": (archivist.Archivist, "_archive"),
    "entries removed, not committed": (archives, "remove"),
    "trail told, not committed": (trail, "tell"),
    "entries removed": (archivist.Archivist, "_remove"),
}
"""After what the process is killed."""


def killed_after(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The function, and then nothing."""

    async def deadly(*arguments: Any, **more: Any) -> None:
        await function(*arguments, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    return deadly


async def main(dsn: str, outside: Path, step: str) -> None:
    """Archive."""
    place, name = STEPS[step]
    setattr(place, name, killed_after(getattr(place, name)))
    pool = await open_pool(dsn, role="marquee_audit")
    database = Database(pool, "audit", new_id=new_id, clock=Clock(), cipher=CIPHER)
    blobs = LocalBlobs(outside)
    notary = Notary(database, Copies(blobs, outside / "work"), KEY)
    shelf = Shelf(blobs, outside / "work")
    await archivist.Archivist(database, notary, shelf, YEAR).look()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
