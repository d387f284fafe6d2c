"""What an operator can set about who may listen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shared.runtime.settings import MarqueeSettings


class NotifierSettings(MarqueeSettings):
    """How many WebSockets may be open at one notifier: of a user or an API key, and of a tenant."""

    sockets_per_user: Annotated[int, Field(ge=1)] = 2000
    sockets_per_tenant: Annotated[int, Field(ge=1)] = 20_000
