"""Converts: claims a job for each ticket, and is fenced by the lease in everything it writes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog
from prometheus_client import Counter, Histogram

from services.converter import assets, jobs, leases
from services.converter.attempt import Attempt, Workshop
from services.converter.domain.retry import Failure, TryAgain, after_failure
from services.converter.ffmpeg import ConversionFailed
from services.converter.leases import Job, LeaseLost
from services.converter.reporting import Reporter
from shared.blobs.port import StorageUnavailable
from shared.bus.port import Ack, Bus, Delivery, Outcome
from shared.db import DATABASE_AWAY, Database, Tx

log = structlog.get_logger()

T = TypeVar("T")

_ended = Counter("marquee_conversions_total", "Attempts by how they ended", ["outcome"])
_took = Histogram(
    "marquee_conversion_duration_seconds",
    "Time that an attempt took, by how it ended",
    ["outcome"],
    buckets=(0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600),
)
_expired = Counter(
    "marquee_conversion_leases_expired_total",
    "Jobs taken over from a worker that let its lease expire",
)

_LONGEST_LOG = 16 * 1024


async def patient_with_database(attempt: Callable[[], Awaitable[T]], *, pause: float = 0.5) -> T:
    """Attempt until the database answers. Only for what may be repeated after an unseen commit."""
    while True:
        try:
            return await attempt()
        except DATABASE_AWAY as error:
            log.warning("database_away", error=repr(error))
        await asyncio.sleep(pause)


@dataclass(frozen=True, slots=True)
class Worker:
    """One process's conversions.

    In seconds: ``heartbeat``, well below the lease's 30, and ``look``, after which a worker sees
    that its job was cancelled.
    """

    name: str
    database: Database
    bus: Bus
    workshop: Workshop
    heartbeat: float = 5.0
    look: float = 1.0
    chance: Callable[[], float] = random.random

    async def handle(self, tickets: Sequence[Delivery]) -> Sequence[Outcome]:
        """A ticket is permission to claim the best job; with none due it is simply used up."""
        for _ in tickets:
            async with self.database.system_transaction() as tx:
                job = await leases.claim(tx, self.name)
            if job is not None:
                _expired.inc(job.taken_over)
                await self.convert(job)
        return [Ack() for _ in tickets]

    async def convert(self, job: Job) -> None:
        """Bring a job one attempt further; if cancelled, give it back with no retry spent."""
        reporter = Reporter(self.bus, self.database, job)
        attempt = Attempt(job, self.workshop, self.database, reporter, self._persist)
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(job=str(job.id), asset=str(job.asset_id)):
            log.info("job_claimed", retry=job.retry_count, lost_workers=job.lost_workers)
            try:
                await self._while_leased(attempt)
            except LeaseLost:
                outcome = "lease_lost"
                log.warning("lease_lost")
            except asyncio.CancelledError:
                outcome = await asyncio.shield(self._give_back(job))
                _note(outcome, began)
                raise
            except ConversionFailed as error:
                outcome = await self._failed(attempt, error)
            except StorageUnavailable as error:
                failure = Failure("storage_unavailable", f"The storage does not answer: {error}")
                outcome = await self._failed(attempt, ConversionFailed(failure))
            except Exception as error:
                log.exception("conversion_broke")
                failure = Failure("internal_error", f"The converter failed: {error!r}"[:500])
                outcome = await self._failed(attempt, ConversionFailed(failure))
            else:
                _note("completed", began)
                return
            _note(outcome, began)
            await self.workshop.shelf.tidy(job, token=job.token)

    async def _while_leased(self, attempt: Attempt) -> None:
        """Work, beat, look and report side by side, until the work ends or the lease is lost."""
        job, reporter = attempt.job, attempt.reporter
        work = asyncio.create_task(attempt.run())
        guards = [
            asyncio.create_task(self._beat(job, reporter)),
            asyncio.create_task(self._watch(job)),
        ]
        tasks = [work, *guards, asyncio.create_task(reporter.run())]
        try:
            await asyncio.wait((work, *guards), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if work.cancelled():
            for guard in guards:
                if not guard.cancelled():
                    guard.result()
        work.result()

    async def _watch(self, job: Job) -> None:
        """Look for ever whether the job is still ours. Raises LeaseLost."""

        async def look() -> None:
            async with self.database.transaction(job.context) as tx:
                await leases.watch(tx, job)

        while True:
            await asyncio.sleep(self.look)
            await patient_with_database(look)

    async def _beat(self, job: Job, reporter: Reporter) -> None:
        """Extend the lease for ever. Raises LeaseLost."""

        async def extend() -> None:
            async with self.database.transaction(job.context) as tx:
                await leases.extend(tx, job)
                await assets.progress(tx, job.asset_id, reporter.percent)

        while True:
            await asyncio.sleep(self.heartbeat)
            await patient_with_database(extend)

    async def _persist(self, job: Job, change: Callable[[Tx], Awaitable[T]]) -> T:
        """Make a change for a job that is still ours. Raises LeaseLost."""

        async def attempt() -> T:
            async with self.database.transaction(job.context) as tx:
                await leases.hold(tx, job)
                return await change(tx)

        return await patient_with_database(attempt)

    async def _failed(self, attempt: Attempt, error: ConversionFailed) -> str:
        """Settle what becomes of the job; return how the attempt ended."""
        job, percent = attempt.job, attempt.reporter.percent
        timed_out = error.failure.code == "timeout"
        decision = after_failure(
            error.failure,
            retry_count=job.retry_count,
            max_retries=job.max_retries,
            timeouts=job.timeouts + timed_out,
            chance=self.chance(),
        )

        tail = error.log[-_LONGEST_LOG:].replace("\0", "")
        told = jobs.Told(tail, await attempt.keep_log())

        async def settle(tx: Tx) -> None:
            if isinstance(decision, TryAgain):
                due = await tx.now() + timedelta(seconds=decision.seconds)
                await jobs.postpone(tx, job, due, error.failure, told, timed_out=timed_out)
            else:
                await jobs.fail(tx, job, decision.failure, told)
                await assets.fail(tx, job.asset_id, decision.failure, percent=percent)

        log.warning("attempt_failed", code=error.failure.code, decision=repr(decision))
        try:
            await self._persist(job, settle)
        except LeaseLost:
            log.warning("lease_lost")
            return "lease_lost"
        return "retried" if isinstance(decision, TryAgain) else "failed"

    async def _give_back(self, job: Job) -> str:
        """On the way out; if the database does not answer in time, the lease runs out instead."""
        try:
            async with asyncio.timeout(3), self.database.transaction(job.context) as tx:
                await leases.give_back(tx, job)
        except DATABASE_AWAY as error:
            log.warning("job_not_given_back", error=repr(error))
            return "abandoned"
        log.info("job_given_back")
        return "given_back"


def _note(outcome: str, began: float) -> None:
    """Count an attempt, and what it took since ``began``, by ``time.perf_counter``."""
    _ended.labels(outcome).inc()
    _took.labels(outcome).observe(time.perf_counter() - began)
