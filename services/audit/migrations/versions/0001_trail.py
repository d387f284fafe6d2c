"""The trail, its seals, and the people and assets in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.bus.tables import create_outbox_and_inbox
from shared.db.tenancy import isolate

revision = "0001"
down_revision = None

_READ_MODELS = ("users", "admins", "assets")
_APPEND_ONLY = ("assignment_history", "history_seals")


def upgrade() -> None:
    """Create the tables of the schema."""
    create_outbox_and_inbox(op, "audit")
    _create_read_models()
    _create_history()
    _create_seals()
    for table in (*_READ_MODELS, *_APPEND_ONLY):
        isolate(op, "audit", table)
    _refuse_changes()


def _id_and_version(*columns: sa.Column[object]) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("known", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )


def _create_read_models() -> None:
    op.create_table(
        "users",
        *_id_and_version(sa.Column("email", sa.Text), sa.Column("name", sa.Text)),
        schema="audit",
    )
    op.create_table(
        "admins",
        *_id_and_version(
            sa.Column("kind", sa.Text, nullable=False),
            sa.Column("email", sa.Text),
            sa.Column("name", sa.Text),
        ),
        sa.CheckConstraint("kind in ('user', 'key', 'system')", name="admins_kind"),
        schema="audit",
    )
    op.create_table(
        "assets",
        *_id_and_version(
            sa.Column("title", sa.Text),
            sa.Column("thumbnail_key", sa.Text),
            sa.Column("thumbnail_at", sa.DateTime(timezone=True)),
        ),
        schema="audit",
    )


def _create_history() -> None:
    op.create_table(
        "assignment_history",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid),
        sa.Column("asset_id", sa.Uuid),
        sa.Column("previous_asset_id", sa.Uuid),
        sa.Column("assignment_id", sa.Uuid),
        sa.Column("operation_id", sa.Uuid),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("performed_by", sa.Uuid, nullable=False),
        sa.Column("performed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("metadata", JSONB),
        sa.UniqueConstraint("tenant_id", "seq"),
        sa.UniqueConstraint("tenant_id", "event_id"),
        _of_tenant("user_id", "users"),
        _of_tenant("asset_id", "assets"),
        _of_tenant("previous_asset_id", "assets"),
        _of_tenant("performed_by", "admins"),
        *_rules_of_actions(),
        schema="audit",
    )
    for column in ("user_id", "asset_id", "action", "performed_by"):
        name, columns = f"assignment_history_{column}", [column, "performed_at", "seq"]
        op.create_index(name, "assignment_history", ["tenant_id", *columns], schema="audit")
    op.create_index(
        "assignment_history_performed_at",
        "assignment_history",
        ["tenant_id", "performed_at", "seq"],
        schema="audit",
    )


def _of_tenant(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"audit.{target}.tenant_id", f"audit.{target}.id"]
    )


def _rules_of_actions() -> list[sa.CheckConstraint]:
    rules = {
        "seq": "seq > 0",
        "metadata": "jsonb_typeof(metadata) = 'object'",
        "action": "action in ('assigned', 'bulk_assigned', 'undone', 'reverted',"
        " 'conversion_status_changed', 'asset_uploaded', 'user_created')",
        "actor": "actor in ('system', 'user:' || performed_by, 'key:' || performed_by)",
        "of_assignment": "action not in ('assigned', 'undone', 'reverted')"
        " or num_nulls(user_id, asset_id, assignment_id, operation_id) = 0",
        "of_operation": "action <> 'bulk_assigned' or num_nulls(asset_id, operation_id) = 0",
        "of_asset": "action not in ('conversion_status_changed', 'asset_uploaded')"
        " or (user_id is null and num_nulls(asset_id, metadata) = 0)",
        "of_user": "action <> 'user_created' or (asset_id is null and user_id is not null)",
    }
    return [
        sa.CheckConstraint(rule, name=f"assignment_history_{name}") for name, rule in rules.items()
    ]


def _create_seals() -> None:
    op.create_table(
        "history_seals",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("entry_id", sa.Uuid, nullable=False, unique=True),
        sa.Column("prev_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "seq"),
        sa.ForeignKeyConstraint(["entry_id"], ["audit.assignment_history.id"]),
        sa.CheckConstraint(
            "octet_length(prev_hash) = 32 and octet_length(hash) = 32", name="history_seals_sha256"
        ),
        schema="audit",
    )


def _refuse_changes() -> None:
    """Twice: the service's role lacks the right, and a trigger stops those who have every right."""
    op.execute("""
        create function audit.refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
        end $$
    """)
    for table in _APPEND_ONLY:
        op.execute(f"revoke update, delete, truncate on audit.{table} from marquee_audit")
        op.execute(
            f"create trigger append_only before update or delete or truncate on audit.{table}"
            " for each statement execute function audit.refuse_change()"
        )


def downgrade() -> None:
    """Drop them again."""
    for table in (*reversed(_APPEND_ONLY), *_READ_MODELS, "inbox", "outbox"):
        op.drop_table(table, schema="audit")
    op.execute("drop function audit.refuse_change")
