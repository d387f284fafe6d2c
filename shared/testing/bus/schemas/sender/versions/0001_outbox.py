"""A service that only emits."""

from alembic import op

from shared.bus.tables import create_outbox_and_inbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create outbox and inbox."""
    create_outbox_and_inbox(op, "sender")
