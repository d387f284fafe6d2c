"""Row level security by tenant, for migrations to switch on."""

from __future__ import annotations

from typing import Protocol


class Executes(Protocol):
    """What of alembic's ``op`` is used here."""

    def execute(self, sqltext: str, /) -> None:
        """Run a statement."""


def isolate(op: Executes, schema: str, table: str, *, swept: bool = False) -> None:
    """Show a transaction only the rows of its tenant, and let it write no others.

    Without a tenant no row is seen. A ``swept`` table is also open to ``system_transaction()``,
    whose tenant is ``*``. The table needs a column ``tenant_id``.
    """
    name = f"{schema}.{table}"
    own = "tenant_id = current_setting('app.tenant', true)"
    op.execute(f"alter table {name} enable row level security")
    op.execute(f"alter table {name} force row level security")
    op.execute(f"create policy own_tenant on {name} using ({own}) with check ({own})")
    if swept:
        everyone = "current_setting('app.tenant', true) = '*'"
        op.execute(f"create policy sweeper on {name} using ({everyone}) with check ({everyone})")
