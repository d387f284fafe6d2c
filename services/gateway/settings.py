"""What an operator can set about how often people may ask."""

from __future__ import annotations

from collections.abc import Mapping

from limits import RateLimitItem, parse

from services.gateway.table import Limited
from shared.runtime.settings import MarqueeSettings
from shared.web.limits import Rate


class GatewaySettings(MarqueeSettings):
    """Rates are for one caller at one gateway: far above what people do, to stop what runs wild."""

    upload_rate: Rate = parse("6000/minute")
    bulk_rate: Rate = parse("120/minute")
    socket_rate: Rate = parse("6000/minute")

    @property
    def rates(self) -> Mapping[Limited, RateLimitItem]:
        """The rates by what they limit."""
        return {
            "uploads": self.upload_rate,
            "bulk assignments": self.bulk_rate,
            "WebSocket connections": self.socket_rate,
        }
