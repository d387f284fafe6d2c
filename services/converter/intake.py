"""Taking in a video: received, looked at, stored, queued."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TypeVar

import structlog
from asyncpg import Record

from services.converter import assets, incoming, jobs, sources
from services.converter.assets import NewAsset
from services.converter.domain.probe import INPUT, Probe, accept
from services.converter.incoming import Broom
from services.converter.probing.prober import Prober
from services.converter.scratch import Scratch
from services.converter.upload import Received, receive
from shared.blobs.port import Blobs
from shared.contracts.context import Context
from shared.db import Database, Tx
from shared.runtime.ids import NewId
from shared.runtime.sandbox import Sandbox
from shared.web import Answer, Call

log = structlog.get_logger()

T = TypeVar("T")

Created = Callable[[Record], Answer]

Queue = Callable[[Tx], Awaitable[Record]]
"""Adds the asset and its job in a transaction; returns the asset's row."""

Commit = Callable[[Queue], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes uploads. Whatever it refuses leaves no row, no file and no process."""

    database: Database
    blobs: Blobs
    scratch: Scratch
    sandbox: Sandbox
    prober: Prober
    broom: Broom
    new_id: NewId
    limit: int

    async def take(
        self, call: Call, created: Created, *, filename: str | None, title: str | None
    ) -> Answer:
        """Receive, look at, store and queue a video; once for a key. Refuses what they do."""
        with self.scratch.directory() as directory:
            received = await receive(
                call.request, directory / INPUT, limit=self.limit, filename=filename, title=title
            )
            call = call.about("upload", received.sha256, received.filename, received.title)
            if again := await call.answered(self.database):
                return again

            async def commit(queue: Queue) -> Answer:
                async def command(tx: Tx) -> Answer:
                    return created(await queue(tx))

                return await call.once(self.database, command)

            return await self.keep(call.context, directory, received, commit)

    async def keep(
        self, context: Context, directory: Path, received: Received, commit: Commit[T]
    ) -> T:
        """Look at, store and queue the video that lies in ``directory``.

        ``commit`` runs what it is given in a transaction; what else it does there is committed
        with the asset or, if it raises, nothing is.
        """
        ident, queued = self.new_id(), False
        key = f"{context.tenant}/originals/{ident}"
        title, filename, size, sha256 = astuple(received)
        async with self.database.transaction(context) as tx:
            # A conversion of the same bytes has found out all about them, and accepted them.
            probe = await sources.known(tx, sha256)
            await incoming.note(tx, key)

        async def queue(tx: Tx) -> Record:
            nonlocal queued
            queued = True
            await incoming.arrive(tx, key)
            asset = NewAsset(ident, title, filename, size, sha256, probe)
            row = await assets.add(tx, asset)
            await jobs.add(tx, ident, key, sha256)
            return row

        try:
            probe = probe or await self._glance(directory)
            await self.blobs.put(key, directory / INPUT, content_type="video/mp4", give=True)
            kept = await commit(queue)
        except BaseException:
            await asyncio.shield(self._clean_up(key))
            raise
        if not queued:  # a twin was faster, and it is its original that counts
            await self._clean_up(key)
        return kept

    async def _glance(self, directory: Path) -> Probe | None:
        self.sandbox.show(directory / INPUT)
        self.sandbox.show(directory)
        probe = await self.prober.glance(directory)
        if probe is not None:
            accept(probe)
        return probe

    async def _clean_up(self, key: str) -> None:
        """Remove the original unless it was committed all the same; later, if not now."""
        try:
            await self.broom.remove_unless_arrived(key)
        except Exception as error:  # the database or the store is away: a sweep will do it
            log.warning("upload_not_cleaned_up", key=key, error=repr(error))
