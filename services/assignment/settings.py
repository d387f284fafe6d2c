"""What an operator can set about assigning."""

from __future__ import annotations

from limits import parse

from shared.runtime.settings import MarqueeSettings
from shared.web.limits import Rate


class AssignmentSettings(MarqueeSettings):
    """``bulk_users_rate`` is how many users one administrator may give an asset in bulk."""

    bulk_users_rate: Rate = parse("500000/minute")
