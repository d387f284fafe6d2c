"""One attempt at a job: fetch, examine, make each rendition and publish it as soon as it is there.

A rendition that an earlier attempt published is not made again, nor is one that the same bytes
gave another asset of the tenant: both refer to one object then. Nothing here decides what becomes
of a failure; it is raised.
"""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import structlog

from services.converter import assets, jobs, leases, renditions, shelf, sources
from services.converter.domain.probe import INPUT, Probe, Unconvertible, accept
from services.converter.domain.progress import Progress
from services.converter.domain.recipes import Recipe, WebmCodec, recipes
from services.converter.domain.retry import Failure
from services.converter.ffmpeg import WALL_CLOCK, ConversionFailed, Ffmpeg
from services.converter.lanes import side_by_side
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
"""A film that ends one worker after the other, and comes no further, is not given to a seventh."""

FILMS: Collection[Rendition] = ("mp4", "webm")
"""What takes long, one after the other; beside it the pictures, which leave most cores idle."""

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


class Memory(NamedTuple):
    """What is known of a file: its facts, and how it is to be converted.

    ``outputs`` are renditions that the same bytes gave before, ``published`` the object keys of
    those that its asset has.
    """

    probe: Probe
    planned: Sequence[Plan]
    outputs: Mapping[Rendition, Output]
    published: Mapping[Rendition, str]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt under way."""

    job: Job
    workshop: Workshop
    database: Database
    reporter: Reporter
    persist: Persist
    transcripts: dict[Rendition, Transcript] = field(
        default_factory=lambda: defaultdict(Transcript)
    )

    async def run(self) -> None:
        """From claimed to completed. Raises ConversionFailed, LeaseLost, StorageUnavailable."""
        deadline = asyncio.get_running_loop().time() + self.workshop.wall_clock
        memory = await self.persist(self.job, self._begin)
        if self.job.lost_workers > MOST_LOST_WORKERS:
            raise _permanent(
                "worker_lost", f"It ended its worker {self.job.lost_workers} times, or so it seems."
            )
        if memory is None or not await self._complete_by(memory):
            scratch = self.workshop.scratch
            with scratch.directory() as films, scratch.directory() as pictures:
                await self._fetch(films, pictures)
                await self._make(await self._examine(films), films, pictures, deadline)
            await self._complete()
        await self.workshop.shelf.tidy(self.job)

    async def _begin(self, tx: Tx) -> Memory | None:
        """Say that it has begun, and recall what is known of the same bytes, if anything is."""
        await assets.begin(tx, self.job.asset_id)
        source = self.job.source_sha256
        probe = await sources.known(tx, source) if source else None
        return await self._recall(tx, probe) if probe else None

    async def _recall(self, tx: Tx, probe: Probe) -> Memory:
        """What of the renditions of such a file need not be made again."""
        planned, source = self._planned(probe), self.job.source_sha256
        prints = [each for plan in planned for each in plan.prints]
        outputs = await renditions.shared(tx, source, prints) if source else []
        published = await renditions.published(tx, self.job.asset_id)
        return Memory(probe, planned, {each.rendition: each for each in outputs}, published)

    async def _complete_by(self, memory: Memory) -> bool:
        """Publish what the same bytes gave before, if that was all; whether it was.

        A queue full of such jobs is only as fast as this: two transactions, and no look at them.
        """
        if len(memory.outputs) < len(memory.planned):
            return False
        outputs = [memory.outputs[plan.recipe.rendition] for plan in memory.planned]
        if not all([await self._still_whole(output) for output in outputs]):
            return False

        async def publish(tx: Tx) -> None:
            await assets.learn(tx, self.job.asset_id, memory.probe)
            await renditions.publish(tx, self.job, outputs)

        await self._complete(publish)
        return True

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

    async def _fetch(self, directory: Path, twin: Path) -> None:
        """Have the original in two directories, for who must not see what the other does."""
        try:
            await self.workshop.blobs.fetch(self.job.input_path, directory / INPUT)
        except BlobNotFound as error:
            raise _permanent("original_lost", "The uploaded file is gone.") from error
        self.workshop.sandbox.show(directory / INPUT)
        (twin / INPUT).hardlink_to(directory / INPUT)
        for each in (directory, twin):
            self.workshop.sandbox.hand_over(each)

    async def _examine(self, directory: Path) -> Memory:
        probe = await self.workshop.prober.examine(directory)
        if probe is None:
            raise ConversionFailed(Failure("unreadable", "The file could not be examined."))
        try:
            accept(probe)
        except Unconvertible as refusal:
            raise _permanent(refusal.code, refusal.detail) from refusal

        async def learn(tx: Tx) -> Memory:
            await assets.learn(tx, self.job.asset_id, probe)
            if self.job.source_sha256:
                await sources.keep(tx, self.job.source_sha256, probe)
            return await self._recall(tx, probe)

        return await self.persist(self.job, learn)

    async def _make(self, memory: Memory, films: Path, pictures: Path, deadline: float) -> None:
        """Make and publish what is missing: films in one directory, pictures in another.

        After a failure nothing more is begun; what is under way is finished and published.
        """
        weights = {plan.recipe.rendition: plan.recipe.weight for plan in memory.planned}
        progress, failures = Progress(weights), list[ConversionFailed]()

        async def lane(directory: Path, planned: Sequence[Plan]) -> None:
            for plan in planned:
                if failures:
                    return
                try:
                    await self._render(plan, memory, directory, progress, deadline)
                except ConversionFailed as error:
                    failures.append(error)

        await side_by_side(
            lane(pictures, [each for each in memory.planned if each.recipe.rendition not in FILMS]),
            lane(films, [each for each in memory.planned if each.recipe.rendition in FILMS]),
        )
        if failures:
            raise max(failures, key=_gravity)
        if progress.stage:
            raise RuntimeError(f"{progress.stage} was neither made nor failed")

    async def _render(
        self, plan: Plan, memory: Memory, directory: Path, progress: Progress, deadline: float
    ) -> None:
        """Publish one rendition. It is finished where ffmpeg cannot get at it any more."""
        recipe = plan.recipe
        if recipe.rendition not in memory.published:
            output = memory.outputs.get(recipe.rendition)
            if output is not None and await self._still_whole(output):
                await self._publish(output)
            else:
                await self._cook(recipe, directory, progress, deadline)
                with self.workshop.scratch.directory() as finished:
                    made = (directory / recipe.output).rename(finished / recipe.output)
                    await self._store(plan, made)
        progress.finish(recipe.rendition)
        self.reporter.note(progress)

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
        transcript = self.transcripts[recipe.rendition]

        def tell(fraction: float) -> None:
            progress.note(recipe.rendition, fraction)
            self.reporter.note(progress)

        tell(0.0)
        for commands in (recipe.commands, *recipe.smaller):
            for command in commands:
                transcript.command(command.arguments)
                await self.workshop.ffmpeg.run(
                    command,
                    directory,
                    seconds=max(0.0, deadline - asyncio.get_running_loop().time()),
                    on_fraction=tell,
                    on_log=transcript.write,
                )
            size = regular_size(directory / recipe.output)
            if recipe.most_bytes is None or size < recipe.most_bytes:
                return

    async def _store(self, plan: Plan, path: Path) -> None:
        """Publish a file, under a key that no other attempt uses, and verify it.

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
        made = (recipe.rendition, key, recipe.content_type, size, digest, plan.fingerprint)
        await self._publish(Output(*made))

    async def _publish(self, output: Output) -> None:
        async def publish(tx: Tx) -> None:
            await renditions.publish(tx, self.job, [output])
            if self.job.lost_workers:
                await leases.absolve(tx, self.job)
            await assets.progress(tx, self.job.asset_id, self.reporter.percent)

        await self.persist(self.job, publish)

    async def _complete(self, publish: Callable[[Tx], Awaitable[None]] | None = None) -> None:
        """All is published, but for what ``publish`` publishes together with the end."""
        self.reporter.finish()
        await self.reporter.tell()  # the last 100, before the news that makes it old
        log_key = await self.keep_log()

        async def complete(tx: Tx) -> None:
            if publish is not None:
                await publish(tx)
            made = await renditions.published(tx, self.job.asset_id)
            await jobs.complete(tx, self.job, made, log_key)
            await assets.complete(tx, self.job.asset_id)

        await self.persist(self.job, complete)

    async def keep_log(self) -> str | None:
        """Store all that ffmpeg said in this attempt; return its key, if there is one."""
        if not self.transcripts:
            return None
        said = b"".join(each.content() for each in self.transcripts.values())
        key = f"{self.job.tenant}/logs/{self.job.id}/{self.job.retry_count}.txt"
        try:
            with self.workshop.scratch.directory() as directory:
                path = directory / "log.txt"
                path.write_bytes(said)
                await self.workshop.blobs.put(key, path, content_type=LOG_TYPE)
        except StorageUnavailable as error:
            log.warning("log_not_kept", error=str(error))
            return None
        return key


def _permanent(code: str, message: str) -> ConversionFailed:
    return ConversionFailed(Failure(code, message, permanent=True))


def _gravity(error: ConversionFailed) -> tuple[bool, bool]:
    """Of two failures that counts which decides more: an end for good, then the need to hurry."""
    return error.failure.permanent, error.failure.code == "timeout"


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
