"""What an operator can set about who comes in."""

from __future__ import annotations

from limits import parse

from shared.runtime.settings import MarqueeSettings
from shared.web.limits import Rate


class EntranceSettings(MarqueeSettings):
    """What an operator can set wherever people open WebSockets.

    The rate is far above what people do, to stop what runs wild; each process counts for itself.
    """

    socket_rate: Rate = parse("6000/minute")
    """WebSockets opened by one caller."""
