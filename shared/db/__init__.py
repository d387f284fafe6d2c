"""PostgreSQL: one role and one schema per service, one door to it, rows fenced by tenant."""

from shared.db.database import DATABASE_AWAY, DATABASE_ERRORS, Database, Tx
from shared.db.statement import Statement

__all__ = ["DATABASE_AWAY", "DATABASE_ERRORS", "Database", "Statement", "Tx"]
