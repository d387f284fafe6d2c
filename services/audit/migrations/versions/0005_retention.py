"""Archives, legal holds and restorations; and the one way by which entries leave the database.

The trail stays one table. By month it could be partitioned only if the month were part of every
key, and then nothing would keep two entries of one event, or of one number, out of different
months. So archives are ranges of one tenant's entries, and a function deletes exactly one such
range: for its own tenant, after the oldest before it, and only if it is archived, signed, free of
holds and older than a year by this server's clock. It runs as the owner; the service's role may
call it and has no other right to delete. The room that deleted rows leave is filled again by new
ones, since as many come as go.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.idempotency import TABLE as IDEMPOTENCY_KEYS
from shared.db.idempotency import create_idempotency_keys
from shared.db.tenancy import isolate

revision = "0005"
down_revision = "0004"

ROLE = "marquee_audit"

_TRAIL = ("assignment_history", "history_seals")
_APPEND_ONLY = ("history_archives", "history_removals", "archived_events", "restorations")
_TABLES = (*_APPEND_ONLY, "legal_holds", "retention_runs")

_REMOVE = """
create function audit.remove_archived(archived_until bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    whose constant text := current_setting('app.tenant');
    archive audit.history_archives;
    sealed bigint;
    entries bigint;
begin
    -- Holds placed from now on wait until this is decided.
    lock table audit.legal_holds in share mode;
    select * into archive from audit.history_archives
        where tenant_id = whose and last_seq = archived_until;
    if not found then
        raise exception 'entry % ends no archive', archived_until
            using errcode = 'restrict_violation';
    end if;
    if exists (select from audit.history_removals
            where tenant_id = whose and last_seq = archived_until) then
        return 0;
    end if;
    if exists (select from audit.assignment_history
            where tenant_id = whose and seq < archive.first_seq) then
        raise exception 'earlier entries are still here' using errcode = 'restrict_violation';
    end if;
    if not exists (select from audit.checkpoints
            where tenant_id = whose and size = archived_until and note = archive.checkpoint) then
        raise exception 'the archive is not signed' using errcode = 'restrict_violation';
    end if;
    if not exists (select from audit.history_seals
            where tenant_id = whose and seq = archived_until and hash = archive.hash) then
        raise exception 'the archive is of another chain' using errcode = 'restrict_violation';
    end if;
    if not exists (select from audit.history_seals
            where tenant_id = whose and seq > archived_until) then
        raise exception 'the newest entry stays' using errcode = 'restrict_violation';
    end if;
    if exists (select from audit.assignment_history
            where tenant_id = whose and seq between archive.first_seq and archived_until
            and recorded_at > clock_timestamp() - interval '1 year') then
        raise exception 'the entries are not a year old' using errcode = 'restrict_violation';
    end if;
    if exists (select from audit.legal_holds h join audit.assignment_history e
            on e.tenant_id = h.tenant_id
            and (h.user_id is null or h.user_id = e.user_id)
            and (h.asset_id is null or h.asset_id in (e.asset_id, e.previous_asset_id))
            and (h.since is null or h.since <= e.performed_at)
            and (h.until is null or h.until >= e.performed_at)
            where h.tenant_id = whose and h.released_at is null
            and e.seq between archive.first_seq and archived_until) then
        raise exception 'the entries are under a legal hold' using errcode = 'object_in_use';
    end if;

    perform set_config('audit.removing', 'archived', true);
    delete from audit.history_seals
        where tenant_id = whose and seq between archive.first_seq and archived_until;
    get diagnostics sealed = row_count;
    with gone as (
        delete from audit.assignment_history
            where tenant_id = whose and seq between archive.first_seq and archived_until
            returning event_id
    )
    insert into audit.archived_events select whose, event_id from gone;
    get diagnostics entries = row_count;
    perform set_config('audit.removing', '', true);
    if sealed <> entries or entries <> archived_until - archive.first_seq + 1 then
        raise exception 'entries are missing' using errcode = 'restrict_violation';
    end if;
    insert into audit.history_removals values (whose, archived_until, clock_timestamp());
    return entries;
end $$
"""

_REFUSE_REMOVAL = """
create function audit.refuse_removal() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('audit.removing', true), '') <> 'archived' then
        raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end if;
    return null;
end $$
"""

_RELEASE_ONCE = """
create function audit.release_once() returns trigger language plpgsql as $$
begin
    if old.released_at is not null or new.released_at is null
            or (to_jsonb(new) - array['released_by', 'released_at', 'release_reason'])
            <> (to_jsonb(old) - array['released_by', 'released_at', 'release_reason']) then
        raise exception 'a hold is released once' using errcode = 'restrict_violation';
    end if;
    return new;
end $$
"""


def upgrade() -> None:
    """Create the tables, and open the one way out."""
    create_idempotency_keys(op, "audit")
    _create_archives()
    _create_removals()
    _create_holds()
    _create_runs()
    _create_restorations()
    for table in _TABLES:
        isolate(op, "audit", table)
    _refuse_changes()
    _open_the_way_out()


def _create_archives() -> None:
    op.create_table(
        "history_archives",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("first_seq", sa.BigInteger, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("checkpoint", sa.Text, nullable=False),
        sa.Column("stated", sa.Text, nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("tenant_id", "last_seq"),
        sa.UniqueConstraint("tenant_id", "first_seq"),
        sa.CheckConstraint(
            "first_seq % 256 = 1 and last_seq % 256 = 0 and last_seq > first_seq",
            name="history_archives_whole_blocks",
        ),
        sa.CheckConstraint(
            "octet_length(hash) = 32 and octet_length(sha256) = 32", name="history_archives_sha256"
        ),
        schema="audit",
    )


def _create_removals() -> None:
    op.create_table(
        "history_removals",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "last_seq"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "last_seq"],
            ["audit.history_archives.tenant_id", "audit.history_archives.last_seq"],
        ),
        schema="audit",
    )
    op.create_table(
        "archived_events",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_id"),
        schema="audit",
    )


def _of_tenant(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"audit.{target}.tenant_id", f"audit.{target}.id"]
    )


def _create_holds() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid),
        sa.Column("asset_id", sa.Uuid),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("placed_by", sa.Uuid, nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.Uuid),
        sa.Column("released_at", sa.DateTime(timezone=True)),
        sa.Column("release_reason", sa.Text),
        _of_tenant("user_id", "users"),
        _of_tenant("asset_id", "assets"),
        _of_tenant("placed_by", "admins"),
        _of_tenant("released_by", "admins"),
        sa.CheckConstraint(
            "num_nulls(released_by, released_at, release_reason) in (0, 3)",
            name="legal_holds_released",
        ),
        schema="audit",
    )
    columns = ["tenant_id", "placed_at", "id"]
    op.create_index("legal_holds_placed_at", "legal_holds", columns, schema="audit")


def _create_runs() -> None:
    op.create_table(
        "retention_runs",
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        schema="audit",
    )


def _create_restorations() -> None:
    op.create_table(
        "restorations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("after_seq", sa.BigInteger, nullable=False),
        sa.Column("lost", JSONB, nullable=False),
        sa.Column("forgotten", JSONB, nullable=False),
        sa.Column("stated", sa.Text, nullable=False),
        sa.Column("entry_seq", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("acknowledged_by", sa.Uuid, nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=False),
        _of_tenant("acknowledged_by", "admins"),
        schema="audit",
    )
    columns = ["tenant_id", "id"]
    op.create_index("restorations_tenant_id", "restorations", columns, schema="audit")


def _refuse_changes() -> None:
    """As of the trail itself: the role lacks the right, and a trigger stops everybody else."""
    for table in _APPEND_ONLY:
        op.execute(f"revoke update, delete, truncate on audit.{table} from {ROLE}")
        op.execute(
            f"create trigger append_only before update or delete or truncate on audit.{table}"
            " for each statement execute function audit.refuse_change()"
        )
    op.execute(f"revoke insert on audit.history_removals, audit.archived_events from {ROLE}")
    op.execute(f"revoke update, delete, truncate on audit.legal_holds from {ROLE}")
    op.execute(
        f"grant update (released_by, released_at, release_reason) on audit.legal_holds to {ROLE}"
    )
    op.execute(
        "create trigger append_only before delete or truncate on audit.legal_holds"
        " for each statement execute function audit.refuse_change()"
    )
    op.execute(_RELEASE_ONCE)
    op.execute(
        "create trigger released_once before update on audit.legal_holds"
        " for each row execute function audit.release_once()"
    )


def _open_the_way_out() -> None:
    op.execute(_REFUSE_REMOVAL)
    for table in _TRAIL:
        op.execute(f"drop trigger append_only on audit.{table}")
        op.execute(
            f"create trigger append_only before update or truncate on audit.{table}"
            " for each statement execute function audit.refuse_change()"
        )
        op.execute(
            f"create trigger removed_if_archived before delete on audit.{table}"
            " for each statement execute function audit.refuse_removal()"
        )
    op.execute(_REMOVE)
    op.execute("revoke execute on function audit.remove_archived from public")
    op.execute(f"grant execute on function audit.remove_archived to {ROLE}")


def downgrade() -> None:
    """Close it again; what was archived stays where it is."""
    op.execute("drop function audit.remove_archived")
    for table in _TRAIL:
        op.execute(f"drop trigger removed_if_archived on audit.{table}")
        op.execute(f"drop trigger append_only on audit.{table}")
        op.execute(
            f"create trigger append_only before update or delete or truncate on audit.{table}"
            " for each statement execute function audit.refuse_change()"
        )
    op.execute("drop function audit.refuse_removal")
    for table in ("restorations", "retention_runs", "legal_holds", "archived_events",
                  "history_removals", "history_archives", IDEMPOTENCY_KEYS):  # fmt: skip
        op.drop_table(table, schema="audit")
    op.execute("drop function audit.release_once")
