"""A running product as the tests hold it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from harness.client import Client
from shared.db.database import Clock
from shared.runtime.service import Runtime

EMAIL, PASSWORD = "admin@example.com", "correct horse battery"

ADMINISTRATOR = {"MARQUEE_ADMIN_EMAIL": EMAIL, "MARQUEE_ADMIN_PASSWORD": PASSWORD}
"""The environment that makes the first administrator one we know."""


@dataclass
class Product:
    """A product in this process, its administrator, and a clock that can be moved."""

    data_dir: Path
    clock: Clock = field(default_factory=Clock)
    client: Client = field(init=False)
    runtime: Runtime = field(init=False)

    def new_id(self) -> UUID:
        """An id of the time that the product believes it is."""
        return uuid7(nanoseconds=time.time_ns() + int(self.clock.offset.total_seconds() * 1e9))

    async def pass_window(self) -> None:
        """Let the 30 seconds of the undo window pass."""
        self.clock.offset += timedelta(seconds=30.001)
