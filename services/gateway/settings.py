"""The settings of ``gateway``."""

from __future__ import annotations

from collections.abc import Mapping

from limits import RateLimitItem, parse

from services.gateway.table import Limited
from shared.runtime.settings import MarqueeSettings
from shared.web.limits import Rate


class GatewaySettings(MarqueeSettings):
    """What an operator can set about how often one caller may ask.

    Far above what people do, to stop what runs wild; each gateway counts for itself.
    """

    upload_rate: Rate = parse("6000/minute")
    """Uploads begun."""
    bulk_rate: Rate = parse("120/minute")
    """Bulk assignments."""
    socket_rate: Rate = parse("6000/minute")
    """WebSockets opened."""

    @property
    def rates(self) -> Mapping[Limited, RateLimitItem]:
        """The rates by what they limit."""
        return {
            "uploads": self.upload_rate,
            "bulk assignments": self.bulk_rate,
            "WebSocket connections": self.socket_rate,
        }
