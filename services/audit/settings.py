"""What an operator can set about the trail."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from shared.runtime.settings import MarqueeSettings


class AuditSettings(MarqueeSettings):
    """``audit_retention_days`` is how long entries stay in the database, at least a year.

    After that they are archived, never deleted.
    """

    audit_retention_days: Annotated[int, Field(ge=365, le=36500)] = 365

    @property
    def retention(self) -> timedelta:
        """How long entries stay in the database."""
        return timedelta(days=self.audit_retention_days)
