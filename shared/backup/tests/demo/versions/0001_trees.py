"""Whatever makes rows hard to put back: order, guards, fences, numbers, odd bytes."""

from __future__ import annotations

from alembic import op

from shared.db.tenancy import isolate

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Leaves come before their trunks by name, and refer to them."""
    op.execute(
        "create table demo.trunks (id uuid primary key, above uuid references demo.trunks (id))"
    )
    op.execute(
        "create table demo.leaves ("
        " id bigint generated always as identity primary key,"
        " tenant_id text not null default 'default',"
        " trunk_id uuid references demo.trunks (id),"
        " bytes bytea, words text[], facts jsonb, at timestamptz, half numeric,"
        " whole numeric generated always as (half * 2) stored)"
    )
    op.execute(
        "create function demo.guard() returns trigger language plpgsql as"
        " $$ begin raise exception 'it is too late for that'; end $$"
    )
    op.execute(
        "create trigger guarded before insert or truncate on demo.trunks execute function"
        " demo.guard()"
    )
    isolate(op, "demo", "leaves")
