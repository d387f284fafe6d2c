"""A running product as the tests hold it."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import UUID, uuid4

import aiohttp
import orjson
from uuid_utils.compat import uuid7

from harness.client import Client
from services.start import ALL, MODULES
from shared.db.database import Clock
from shared.runtime.runner import running
from shared.runtime.service import Runtime
from shared.runtime.settings import RuntimeSettings

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

    async def park(self) -> str:
        """Send a message that nobody can read; return the id of its event."""
        ident = uuid4()
        headers = {"ce-id": str(ident), "ce-type": "no.such.event.v1", "ce-tenantid": "default"}
        await self.runtime.databases["notifier"].pool.execute(
            "insert into notifier.outbox (id, type, aggregateid, headers, payload)"
            " values ($1, 'notifier.store', '', $2, '{}')",
            ident,
            orjson.dumps(headers),
        )
        return str(ident)

    async def pass_window(self) -> None:
        """Let the 30 seconds of the undo window pass."""
        self.clock.offset += timedelta(seconds=30.001)


@asynccontextmanager
async def in_this_process(
    data_dir: Path, http: aiohttp.ClientSession, clock: Clock | None = None
) -> AsyncIterator[Product]:
    """All services on the embedded parts, in this process, so that their clock can be moved."""
    product = Product(data_dir, clock or Clock())
    chosen = ADMINISTRATOR | {"MARQUEE_PROBE_SECONDS": "10"}  # others are at work here as well
    async with AsyncExitStack() as stack:
        with patch.dict(os.environ, chosen):  # not longer than it takes to read
            settings = RuntimeSettings.load(port=0, data_dir=data_dir)
            modules = [MODULES[name] for name in ALL]
            process = await stack.enter_async_context(
                running(modules, settings, clock=product.clock, new_id=product.new_id)
            )
        product.runtime = process.runtime
        product.client = Client(process.urls["gateway"], http)
        await product.client.log_in(EMAIL, PASSWORD)
        yield product
