"""What an operator can set about the trail."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from shared.runtime.settings import MarqueeSettings


class AuditSettings(MarqueeSettings):
    """What an operator can set about the trail."""

    audit_retention_days: Annotated[int, Field(ge=365, le=36500)] = 365
    """Days that entries stay in the database, at least a year; then they are archived, never
    deleted."""

    @property
    def retention(self) -> timedelta:
        """How long entries stay in the database."""
        return timedelta(days=self.audit_retention_days)
