"""Indexes by which the next job is found, however many wait."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

SCHEMA = "converter"

IN_LINE = "priority desc, created_at, id"

INDEXES = (
    f"index queue_jobs_line_idx on {SCHEMA}.queue_jobs (tenant_id, {IN_LINE})"
    " where status = 'pending'",
    f"index queue_jobs_twins_line_idx on {SCHEMA}.queue_jobs (tenant_id, source_sha256, {IN_LINE})"
    " where status = 'pending'",
    f"index queue_jobs_twins_at_work_idx on {SCHEMA}.queue_jobs (tenant_id, source_sha256)"
    " where status = 'processing'",
)


def upgrade() -> None:
    """Look a job up by its place in the line of its tenant, and in that of its twins."""
    for index in INDEXES:
        op.execute(f"create {index}")
    op.execute(f"drop index {SCHEMA}.queue_jobs_twins_idx")


def downgrade() -> None:
    """Look at all that wait."""
    op.execute(
        f"create index queue_jobs_twins_idx on {SCHEMA}.queue_jobs (tenant_id, source_sha256)"
        " where status in ('pending', 'processing')"
    )
    for name in ("line", "twins_line", "twins_at_work"):
        op.execute(f"drop index {SCHEMA}.queue_jobs_{name}_idx")
