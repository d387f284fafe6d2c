"""One attempt at a job: fetch, examine, make each rendition and publish it as soon as it is there.

A rendition that an earlier attempt published is not made again, nor is one that the same bytes
gave another asset of the tenant: both refer to one object then. Nothing here decides what becomes
of a failure; it is raised.
"""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import structlog

from services.converter import assets, jobs, renditions, shelf, sources
from services.converter.domain.probe import INPUT, Probe, Unconvertible, accept
from services.converter.domain.progress import Progress
from services.converter.domain.recipes import Recipe, WebmCodec, recipes
from services.converter.domain.retry import Failure
from services.converter.ffmpeg import WALL_CLOCK, ConversionFailed, Ffmpeg
from services.converter.leases import Job
from services.converter.probing.prober import Prober
from services.converter.renditions import Output
from services.converter.reporting import Reporter
from services.converter.scratch import Scratch
from services.converter.shelf import Shelf
from services.converter.transcript import Transcript
from shared.blobs.port import BlobNotFound, Blobs, StorageUnavailable
from shared.contracts.converter import Rendition
from shared.db import Database, Tx
from shared.runtime.sandbox import Sandbox

log = structlog.get_logger()

MOST_LOST_WORKERS = 5
"""A film that ends one worker after the other is not given to a seventh."""

LOG_TYPE = "text/plain; charset=utf-8"

T = TypeVar("T")


class Persist(Protocol):
    """Makes a change in a transaction that holds the job. Raises LeaseLost."""

    async def __call__(self, job: Job, change: Callable[[Tx], Awaitable[T]]) -> T: ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """The tools that all attempts of a process share."""

    blobs: Blobs
    scratch: Scratch
    sandbox: Sandbox
    prober: Prober
    ffmpeg: Ffmpeg
    shelf: Shelf
    webm_codec: WebmCodec
    wall_clock: float = WALL_CLOCK


class Plan(NamedTuple):
    """A recipe with its fingerprint, and that of an ``alternative`` whose outcome will do."""

    recipe: Recipe
    fingerprint: str
    alternative: str

    @property
    def prints(self) -> list[str]:
        """Of all that will do."""
        return [self.fingerprint, self.alternative]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt under way."""

    job: Job
    workshop: Workshop
    database: Database
    reporter: Reporter
    persist: Persist
    transcript: Transcript = field(default_factory=Transcript)

    async def run(self) -> None:
        """From claimed to completed. Raises ConversionFailed, LeaseLost, StorageUnavailable."""
        deadline = asyncio.get_running_loop().time() + self.workshop.wall_clock
        await self.persist(self.job, lambda tx: assets.begin(tx, self.job.asset_id))
        if self.job.lost_workers > MOST_LOST_WORKERS:
            raise _permanent(
                "worker_lost", f"It ended its worker {self.job.lost_workers} times, or so it seems."
            )
        made = await self._recall()
        if made is None:
            with self.workshop.scratch.directory() as directory:
                await self._fetch(directory)
                probe = await self._examine(directory)
                made = await self._make(probe, directory, deadline)
        await self._complete(made)
        await self.workshop.shelf.tidy(self.job)

    async def _recall(self) -> dict[Rendition, str] | None:
        """Refer to what the same bytes gave before, without a look at them; None if not to all.

        A queue full of such jobs is only as fast as this, so it takes two transactions.
        """
        source = self.job.source_sha256
        if source is None:
            return None

        async def remember(tx: Tx) -> tuple[Probe, list[Output]] | None:
            probe = await sources.known(tx, source)
            if probe is None:
                return None
            planned = self._planned(probe)
            found = [await renditions.shared(tx, source, plan.prints) for plan in planned]
            return (probe, [output for output in found if output]) if all(found) else None

        remembered = await self.persist(self.job, remember)
        if remembered is None:
            return None
        probe, outputs = remembered
        for output in outputs:
            if not await self._still_whole(output):
                return None

        async def publish(tx: Tx) -> dict[Rendition, str]:
            await assets.learn(tx, self.job.asset_id, probe)
            for output in outputs:
                await renditions.publish(tx, self.job, output)
            return await renditions.published(tx, self.job.asset_id)

        return await self.persist(self.job, publish)

    def _planned(self, probe: Probe) -> tuple[Plan, ...]:
        """Each recipe, and the prints of what would do in its place: made in a hurry, or not."""
        codec, encoder = self.workshop.webm_codec, self.workshop.ffmpeg.binary.name
        hurried = self.job.timeouts > 0
        return tuple(
            Plan(recipe, _fingerprint(recipe, encoder), _fingerprint(other, encoder))
            for recipe, other in zip(
                recipes(probe, codec, hurry=hurried),
                recipes(probe, codec, hurry=not hurried),
                strict=True,
            )
        )

    async def _fetch(self, directory: Path) -> None:
        try:
            await self.workshop.blobs.fetch(self.job.input_path, directory / INPUT)
        except BlobNotFound as error:
            raise _permanent("original_lost", "The uploaded file is gone.") from error
        self.workshop.sandbox.hand_over(directory / INPUT)
        self.workshop.sandbox.hand_over(directory)

    async def _examine(self, directory: Path) -> Probe:
        probe = await self.workshop.prober.examine(directory)
        if probe is None:
            raise ConversionFailed(Failure("unreadable", "The file could not be examined."))
        try:
            accept(probe)
        except Unconvertible as refusal:
            raise _permanent(refusal.code, refusal.detail) from refusal

        async def learn(tx: Tx) -> None:
            await assets.learn(tx, self.job.asset_id, probe)
            if self.job.source_sha256:
                await sources.keep(tx, self.job.source_sha256, probe)

        await self.persist(self.job, learn)
        return probe

    async def _make(self, probe: Probe, directory: Path, deadline: float) -> dict[Rendition, str]:
        """Make what is missing, in order; return the object keys of all."""
        planned = self._planned(probe)
        made = await self._published()
        progress = Progress(total=sum(plan.recipe.weight for plan in planned))
        for plan in planned:
            recipe = plan.recipe
            current = Progress(progress.total, progress.done, recipe.weight)
            if recipe.rendition not in made:
                self.reporter.note(recipe.rendition, current)
                output = await self._output(plan, directory, current, deadline)
                await self._publish(output)
                made[recipe.rendition] = output.object_key
            progress = Progress(progress.total, progress.done + recipe.weight)
            self.reporter.note(recipe.rendition, progress)
        return made

    async def _published(self) -> dict[Rendition, str]:
        return await self.persist(self.job, lambda tx: renditions.published(tx, self.job.asset_id))

    async def _output(
        self, plan: Plan, directory: Path, progress: Progress, deadline: float
    ) -> Output:
        """A stored rendition: the one of a twin if there is one, else a new one."""
        shared = await self._shared(plan)
        if shared is not None:
            return shared
        await self._cook(plan.recipe, directory, progress, deadline)
        return await self._store(plan, directory / plan.recipe.output)

    async def _shared(self, plan: Plan) -> Output | None:
        """What the same recipe made of the same bytes before, if it is still there, whole."""
        source = self.job.source_sha256
        if source is None:
            return None
        output = await self.persist(self.job, lambda tx: renditions.shared(tx, source, plan.prints))
        return output if output and await self._still_whole(output) else None

    async def _still_whole(self, output: Output) -> bool:
        try:
            stored = await self.workshop.blobs.stat(output.object_key)
        except BlobNotFound:
            return False
        return stored.size == output.size_bytes

    async def _cook(
        self, recipe: Recipe, directory: Path, progress: Progress, deadline: float
    ) -> None:
        """Run a recipe's commands, and those that make less of it until it is small enough."""
        for commands in (recipe.commands, *recipe.smaller):
            for command in commands:
                self.transcript.command(command.arguments)
                await self.workshop.ffmpeg.run(
                    command,
                    directory,
                    seconds=max(0.0, deadline - asyncio.get_running_loop().time()),
                    on_fraction=lambda fraction: self.reporter.note(
                        recipe.rendition, progress, fraction
                    ),
                    on_log=self.transcript.write,
                )
            size = regular_size(directory / recipe.output)
            if recipe.most_bytes is None or size < recipe.most_bytes:
                return

    async def _store(self, plan: Plan, path: Path) -> Output:
        """Put a file where it can be fetched, under a key that no other attempt uses; verify it.

        The key names no asset: others, of the same bytes, will refer to it too.
        """
        size = regular_size(path)
        digest = await asyncio.to_thread(_digest, path)
        recipe, job = plan.recipe, self.job
        name = f"{recipe.rendition}{path.suffix}"
        key = f"{job.tenant}/renditions/{digest}/{job.token}/{name}"
        await self.persist(job, lambda tx: shelf.note(tx, job, key))
        await self.workshop.blobs.put(key, path, content_type=recipe.content_type)
        stored = await self.workshop.blobs.stat(key)
        if stored.size != size:
            raise StorageUnavailable(f"{key} has {stored.size} bytes of {size}")
        return Output(recipe.rendition, key, recipe.content_type, size, digest, plan.fingerprint)

    async def _publish(self, output: Output) -> None:
        async def publish(tx: Tx) -> None:
            await renditions.publish(tx, self.job, output)
            await assets.progress(tx, self.job.asset_id, self.reporter.percent)

        await self.persist(self.job, publish)

    async def _complete(self, made: dict[Rendition, str]) -> None:
        self.reporter.finish()
        await self.reporter.tell()  # the last 100, before the news that makes it old
        log_key = await self.keep_log()

        async def complete(tx: Tx) -> None:
            await jobs.complete(tx, self.job, made, log_key)
            await assets.complete(tx, self.job.asset_id)

        await self.persist(self.job, complete)

    async def keep_log(self) -> str | None:
        """Store all that ffmpeg said in this attempt; return its key, if there is one."""
        if not self.transcript:
            return None
        key = f"{self.job.tenant}/logs/{self.job.id}/{self.job.retry_count}.txt"
        try:
            with self.workshop.scratch.directory() as directory:
                path = directory / "log.txt"
                path.write_bytes(self.transcript.content())
                await self.workshop.blobs.put(key, path, content_type=LOG_TYPE)
        except StorageUnavailable as error:
            log.warning("log_not_kept", error=str(error))
            return None
        return key


def _permanent(code: str, message: str) -> ConversionFailed:
    return ConversionFailed(Failure(code, message, permanent=True))


def _fingerprint(recipe: Recipe, encoder: str) -> str:
    """The same for the same commands by the same binary, whose name tells its version."""
    ways = [[c.arguments for c in commands] for commands in (recipe.commands, *recipe.smaller)]
    return hashlib.sha256(repr((encoder, ways, recipe.most_bytes)).encode()).hexdigest()


def regular_size(path: Path) -> int:
    """Bytes of an output. It was written by a stranger's hand: a link might lead anywhere."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        found = None
    if found is None or not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or not found.st_size:
        raise ConversionFailed(Failure("no_output", f"ffmpeg wrote no {path.name}."))
    return found.st_size


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
