"""The settings of ``assignment``."""

from __future__ import annotations

from limits import parse

from shared.runtime.settings import MarqueeSettings
from shared.web.limits import Rate


class AssignmentSettings(MarqueeSettings):
    """What an operator can set about assigning."""

    bulk_users_rate: Rate = parse("500000/minute")
    """How many users one administrator may give an asset in bulk."""
