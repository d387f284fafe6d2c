"""An asset that was withdrawn is given to nobody, however close the race."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

SCHEMA = "assignment"

# A command has looked at the asset before, without a lock. Here the lock makes it wait for a
# withdrawal under way; the second statement then sees what became of it. The error is one that
# means "again", and the second time the command finds the asset gone by itself.
GUARD = f"""
    create function {SCHEMA}.withdrawn_assets_stay_withdrawn() returns trigger
    language plpgsql as $$
    begin
        perform 1 from {SCHEMA}.assets
            where id in (select asset_id from begun) order by id for key share;
        if exists (
            select from {SCHEMA}.assets
            where id in (select asset_id from begun) and deleted_at is not null
        ) then
            raise exception 'an asset was withdrawn meanwhile'
                using errcode = 'serialization_failure';
        end if;
        return null;
    end $$
"""  # noqa: S608


def upgrade() -> None:
    """Look again when an assignment begins."""
    op.execute(GUARD)
    op.execute(
        f"create trigger of_assets_that_stay after insert on {SCHEMA}.asset_assignments"
        " referencing new table as begun for each statement"
        f" execute function {SCHEMA}.withdrawn_assets_stay_withdrawn()"
    )


def downgrade() -> None:
    """Look once."""
    op.execute(f"drop trigger of_assets_that_stay on {SCHEMA}.asset_assignments")
    op.execute(f"drop function {SCHEMA}.withdrawn_assets_stay_withdrawn")
