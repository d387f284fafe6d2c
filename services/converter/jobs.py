"""The jobs of the queue: how they begin, wait again and end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, insert, or_, select, true, update

from services.converter.domain.retry import Failure
from services.converter.leases import FREE, OURS, Job
from services.converter.tables import queue_jobs
from shared.contracts.converter import Rendition, TicketIssued
from shared.db import Statement, Tx


class Told(NamedTuple):
    """What ffmpeg said: its last words, and where all of it is kept, if it could be kept."""

    tail: str
    key: str | None


_add = Statement(
    insert(queue_jobs).values(
        id=bindparam("id"),
        asset_id=bindparam("asset_id"),
        input_path=bindparam("input_path"),
        source_sha256=bindparam("source"),
        correlation_id=bindparam("correlation_id"),
        created_at=bindparam("now"),
        due_at=bindparam("now"),
    )
)


async def add(tx: Tx, asset_id: UUID, input_path: str, source: str) -> None:
    """A new job for bytes with the SHA-256 ``source``, due at once, and a ticket for it."""
    await tx.execute(
        _add,
        id=tx.new_id(),
        asset_id=asset_id,
        input_path=input_path,
        source=source,
        correlation_id=tx.context.correlation_id,
        now=await tx.now(),
    )
    tx.emit(TicketIssued(ticket_id=tx.new_id()))


_finish = Statement(
    update(queue_jobs)
    .where(OURS)
    .values(
        **FREE,
        status=bindparam("outcome"),
        output_paths=bindparam("outputs", type_=queue_jobs.c.output_paths.type),
        error=bindparam("problem"),
        error_code=bindparam("problem_code"),
        log=bindparam("told"),
        log_key=bindparam("told_key"),
        completed_at=bindparam("now"),
    )
)


async def complete(tx: Tx, job: Job, outputs: Mapping[Rendition, str], log_key: str | None) -> None:
    """The job is done; hold it before."""
    await tx.execute(
        _finish,
        job_id=job.id,
        token=job.token,
        outcome="completed",
        outputs=dict(outputs),
        problem=None,
        problem_code=None,
        told=None,
        told_key=log_key,
        now=await tx.now(),
    )
    await _hand_over(tx, job.source_sha256)


async def fail(tx: Tx, job: Job, failure: Failure, told: Told) -> None:
    """The job is over and nothing came of it; hold it before."""
    await tx.execute(
        _finish,
        job_id=job.id,
        token=job.token,
        outcome="failed",
        outputs=None,
        problem=failure.message,
        problem_code=failure.code,
        told=told.tail,
        told_key=told.key,
        now=await tx.now(),
    )
    await _hand_over(tx, job.source_sha256)


_stop = Statement(
    update(queue_jobs)
    .where(
        queue_jobs.c.asset_id == bindparam("asset_id"),
        or_(queue_jobs.c.status == "pending", queue_jobs.c.status == "processing"),
    )
    .values(
        **FREE,
        status="failed",
        error=bindparam("problem"),
        error_code=bindparam("problem_code"),
        completed_at=bindparam("now"),
    )
    .returning(queue_jobs.c.source_sha256)
)


async def stop(tx: Tx, asset_id: UUID, reason: Failure) -> bool:
    """End the open job of an asset, whoever holds it; whether there was one."""
    row = await tx.fetchrow(
        _stop,
        asset_id=asset_id,
        problem=reason.message,
        problem_code=reason.code,
        now=await tx.now(),
    )
    if row is not None:
        await _hand_over(tx, row["source_sha256"])
    return row is not None


_waiting_twin = Statement(
    select(true())
    .where(queue_jobs.c.source_sha256 == bindparam("source"), queue_jobs.c.status == "pending")
    .limit(1)
)


async def _hand_over(tx: Tx, source: str | None) -> None:
    """A ticket for the twin that is due now, if any: its own was used up while it waited."""
    if await tx.fetchval(_waiting_twin, source=source):
        tx.emit(TicketIssued(ticket_id=tx.new_id()))


_origin = Statement(
    select(queue_jobs.c.input_path, queue_jobs.c.log_key)
    .where(queue_jobs.c.asset_id == bindparam("asset_id"))
    .order_by(queue_jobs.c.id.desc())
    .limit(1)
)


class Origin(NamedTuple):
    """What the newest job of an asset says of files."""

    input_path: str
    log_key: str | None


async def origin(tx: Tx, asset_id: UUID) -> Origin:
    """Where the original is, and the log of the last attempt. Raises LookupError."""
    row = await tx.fetchrow(_origin, asset_id=asset_id)
    if row is None:
        raise LookupError(asset_id)
    return Origin(*row)


_postpone = Statement(
    update(queue_jobs)
    .where(OURS)
    .values(
        **FREE,
        status="pending",
        retry_count=queue_jobs.c.retry_count + 1,
        timeouts=queue_jobs.c.timeouts + bindparam("timed_out"),
        error=bindparam("problem"),
        error_code=bindparam("problem_code"),
        log=bindparam("told"),
        log_key=bindparam("told_key"),
        due_at=bindparam("due"),
    )
)


async def postpone(
    tx: Tx, job: Job, due: datetime, failure: Failure, told: Told, *, timed_out: bool
) -> None:
    """Spend a retry and wait until ``due``; hold the job before."""
    await tx.execute(
        _postpone,
        job_id=job.id,
        token=job.token,
        problem=failure.message,
        problem_code=failure.code,
        told=told.tail,
        told_key=told.key,
        due=due,
        timed_out=int(timed_out),
    )
