"""Who works on a job: claims, leases, and which jobs are due.

Rows are the truth, and whoever holds a row's token may write for its asset. Of jobs with the same
source, twins, one at a time is due: the others wait for what it gives, and hold no worker
meanwhile. When it ends, in whatever way, the next is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    and_,
    bindparam,
    cast,
    func,
    not_,
    null,
    or_,
    select,
    true,
    union_all,
    update,
)

from services.converter.tables import outbox, queue_jobs
from shared.contracts.actor import SYSTEM
from shared.contracts.context import Context
from shared.contracts.converter import TicketIssued
from shared.db import Statement, Tx

LEASE = timedelta(seconds=30)

LONGEST = 2 * LEASE
"""A lease that seems to last longer was given before the clock was set back.

Longer than a lease, since others extend theirs while a claim is under way.
"""


class LeaseLost(Exception):
    """Somebody else holds the job now, or it ended: whatever was done for it is void."""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job; ``token`` fences it: no other claim ever has the same."""

    id: UUID
    tenant: str
    asset_id: UUID
    input_path: str
    retry_count: int
    max_retries: int
    timeouts: int
    lost_workers: int
    token: UUID
    correlation_id: str | None = None
    source_sha256: str | None = None
    taken_over: bool = False
    """Whether a worker held it whose lease had expired."""

    @property
    def context(self) -> Context:
        """The system acts, in the story that began with the upload."""
        return Context(self.tenant, SYSTEM, self.correlation_id)


_jobs = queue_jobs.c


def _in_line(jobs: FromClause) -> tuple[ColumnElement[Any], ...]:
    """The order in which the jobs of a tenant come."""
    return jobs.c.priority.desc(), jobs.c.created_at, jobs.c.id


def _abandoned(jobs: FromClause) -> ColumnElement[bool]:
    """Whether a job's worker is dead; ``beyond`` ends leases from before the clock was set back."""
    expires = jobs.c.lease_expires_at
    over = or_(expires <= bindparam("now"), expires > bindparam("beyond"))
    return and_(jobs.c.status == "processing", over)


_twin = queue_jobs.alias("twin")
_twins = and_(_twin.c.tenant_id == _jobs.tenant_id, _twin.c.source_sha256 == _jobs.source_sha256)
_twin_at_work = select(true()).where(_twins, _twin.c.status == "processing").exists()
_first_twin = (
    select(_twin.c.id)
    .where(_twins, _twin.c.status == "pending")
    .order_by(*_in_line(_twin))
    .limit(1)
    .scalar_subquery()
)
_may_start = and_(
    _jobs.status == "pending",
    _jobs.due_at <= bindparam("now"),
    not_(_twin_at_work),
    or_(_jobs.source_sha256.is_(None), _jobs.id == _first_twin),
)
_due = or_(_may_start, _abandoned(queue_jobs))

# Tenants with waiting jobs, by one look into the index for each, however many jobs there are.
_waits = queue_jobs.alias("waits")
_somebody = (
    select(_waits.c.tenant_id)
    .where(_waits.c.status == "pending")
    .order_by(_waits.c.tenant_id)
    .limit(1)
)
_tenants = select(_somebody.scalar_subquery().label("id")).cte("tenants", recursive=True)
_tenants = _tenants.union_all(
    select(_somebody.where(_waits.c.tenant_id > _tenants.c.id).scalar_subquery()).where(
        _tenants.c.id.is_not(None)
    )
)
_PLACE = ("id", "tenant_id", "priority", "created_at")
_next_of_tenant = (
    select(*(_jobs[name] for name in _PLACE))
    .where(_jobs.tenant_id == _tenants.c.id, _may_start)
    .order_by(*_in_line(queue_jobs))
    .limit(1)
    .lateral("next")
)
_candidates = union_all(
    select(*_next_of_tenant.c).select_from(_tenants.join(_next_of_tenant, true())),
    select(*(_jobs[name] for name in _PLACE)).where(_abandoned(queue_jobs)),
).subquery("candidates")
_busy = (
    select(_jobs.tenant_id, func.count().label("running"))
    .where(_jobs.status == "processing", _jobs.lease_expires_at > bindparam("now"))
    .group_by(_jobs.tenant_id)
    .subquery("busy")
)
_best = (
    select(_candidates.c.id)
    .select_from(_candidates.outerjoin(_busy, _busy.c.tenant_id == _candidates.c.tenant_id))
    .order_by(
        _candidates.c.priority.desc(),
        func.coalesce(_busy.c.running, 0),
        _candidates.c.created_at,
        _candidates.c.id,
    )
    .limit(1)
    .scalar_subquery()
)
_taken = queue_jobs.alias("taken")
_free = (
    select(_taken.c.id)
    # Looked at again once it is locked: somebody may have taken or cancelled it meanwhile.
    .where(_taken.c.id == _best, or_(_taken.c.status == "pending", _abandoned(_taken)))
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_before = queue_jobs.alias("before")
_claim = Statement(
    update(queue_jobs)
    .where(queue_jobs.c.id == _free)
    .values(
        status="processing",
        worker=bindparam("claimer"),
        lease_token=bindparam("token"),
        lease_expires_at=bindparam("expires"),
        started_at=func.coalesce(queue_jobs.c.started_at, bindparam("now")),
        lost_workers=queue_jobs.c.lost_workers + cast(queue_jobs.c.status == "processing", Integer),
    )
    .returning(
        queue_jobs.c.id,
        queue_jobs.c.tenant_id,
        queue_jobs.c.asset_id,
        queue_jobs.c.input_path,
        queue_jobs.c.retry_count,
        queue_jobs.c.max_retries,
        queue_jobs.c.timeouts,
        queue_jobs.c.lost_workers,
        queue_jobs.c.lease_token,
        queue_jobs.c.correlation_id,
        queue_jobs.c.source_sha256,
        # As it was before: a subquery sees the rows that the statement found.
        select(_before.c.status == "processing")
        .where(_before.c.id == queue_jobs.c.id)
        .scalar_subquery(),
    )
)


_CLAIMING = 0x6D61727175657502
_turn = Statement(
    select(func.clock_timestamp()).select_from(func.pg_advisory_xact_lock(bindparam("lock")))
)


async def claim(tx: Tx, worker: str) -> Job | None:
    """Take the best due job of all tenants: by priority, then fairness, then age.

    Due is what waits, may start and has no twin before it, and what a dead worker held.

    One claims at a time: claims side by side would not count each other, and all go to the same
    tenant. What it costs grows with the tenants, and hardly with the jobs that wait. If the best
    is just being cancelled, the ticket is used up, and the sweeper issues another.
    """
    now = tx.saw(await tx.fetchval(_turn, lock=_CLAIMING))
    row = await tx.fetchrow(
        _claim,
        claimer=worker,
        token=tx.new_id(),
        now=now,
        expires=now + LEASE,
        beyond=now + LONGEST,
    )
    return Job(*row) if row else None


OURS = and_(
    queue_jobs.c.id == bindparam("job_id"),
    queue_jobs.c.lease_token == bindparam("token"),
    queue_jobs.c.status == "processing",
)
"""What every statement of a holder begins with."""

_hold = Statement(select(true()).where(OURS).with_for_update())


async def hold(tx: Tx, job: Job) -> None:
    """Keep the job ours until the end of the transaction. Raises LeaseLost."""
    if not await tx.fetchval(_hold, job_id=job.id, token=job.token):
        raise LeaseLost(job.id)


_watch = Statement(select(true()).where(OURS))


async def watch(tx: Tx, job: Job) -> None:
    """See whether the job is still ours. Raises LeaseLost."""
    if not await tx.fetchval(_watch, job_id=job.id, token=job.token):
        raise LeaseLost(job.id)


_extend = Statement(update(queue_jobs).where(OURS).values(lease_expires_at=bindparam("expires")))


async def extend(tx: Tx, job: Job) -> None:
    """Hold it for another 30 s from now. Raises LeaseLost."""
    expires = await tx.now() + LEASE
    if not await tx.execute(_extend, job_id=job.id, token=job.token, expires=expires):
        raise LeaseLost(job.id)


_absolve = Statement(update(queue_jobs).where(OURS).values(lost_workers=0))


async def absolve(tx: Tx, job: Job) -> None:
    """Do not blame the film for the workers it lost: it came further since."""
    await tx.execute(_absolve, job_id=job.id, token=job.token)


FREE: Mapping[str, Any] = {
    "worker": null(),
    "lease_token": null(),
    "lease_expires_at": null(),
}
"""Nobody holds it."""

_give_back = Statement(update(queue_jobs).where(OURS).values(**FREE, status="pending"))


async def give_back(tx: Tx, job: Job) -> None:
    """Let another worker have it at once; no retry is spent."""
    await tx.execute(_give_back, job_id=job.id, token=job.token)


_release_all = Statement(
    update(queue_jobs)
    .where(queue_jobs.c.status == "processing")
    .values(**FREE, status="pending", lost_workers=queue_jobs.c.lost_workers + 1)
)


async def release_all(tx: Tx) -> int:
    """Take every lease away: right only where no other process can hold one."""
    return await tx.execute(_release_all)


_waiting = Statement(
    select(
        select(func.count()).select_from(queue_jobs).where(_due).scalar_subquery().label("due"),
        select(func.count())
        .select_from(outbox)
        .where(outbox.c.type == TicketIssued.name)
        .scalar_subquery()
        .label("on_their_way"),
    )
)


async def tickets_missing(tx: Tx, ready: int) -> int:
    """How many due jobs no ticket waits for, ``ready`` of which the broker holds."""
    now = await tx.now()
    row = await tx.fetchrow(_waiting, now=now, beyond=now + LONGEST)
    assert row is not None  # two aggregates
    return max(0, int(row["due"]) - int(row["on_their_way"]) - ready)
