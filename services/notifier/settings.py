"""What an operator can set about who may listen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shared.runtime.settings import MarqueeSettings


class NotifierSettings(MarqueeSettings):
    """What an operator can set about who may listen."""

    sockets_per_user: Annotated[int, Field(ge=1)] = 2000
    """WebSockets that one user or API key may have open at one notifier."""
    sockets_per_tenant: Annotated[int, Field(ge=1)] = 20_000
    """WebSockets that one tenant may have open at one notifier."""
