"""What an operator can set: how often people may ask, and where the console lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from limits import RateLimitItem, parse
from pydantic import Field

from services.gateway.console import BUNDLE
from services.gateway.table import Limited
from shared.runtime.settings import MarqueeSettings
from shared.web.limits import Rate


class GatewaySettings(MarqueeSettings):
    """What an operator can set about how often one caller may ask, and about the console.

    Rates are far above what people do, to stop what runs wild; each gateway counts for itself.
    """

    upload_rate: Rate = parse("6000/minute")
    """Uploads begun."""
    bulk_rate: Rate = parse("120/minute")
    """Bulk assignments."""
    console_dir: Path = Field(default_factory=lambda: BUNDLE)
    """The directory of the web console's bundle; left out, the one that is built here."""

    @property
    def rates(self) -> Mapping[Limited, RateLimitItem]:
        """The rates by what they limit."""
        return {
            "uploads": self.upload_rate,
            "bulk assignments": self.bulk_rate,
        }
