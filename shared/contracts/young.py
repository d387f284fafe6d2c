"""Young ids: what an answer names can be used at once, though its event is still on the way."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

YOUNG_SECONDS = 10.0
"""An unknown id younger than this may yet become known."""

PATIENCE_SECONDS = 2.0
"""How long a command waits for it."""


def patience_for(ident: UUID, now: datetime) -> float:
    """How many seconds to wait for news of an unknown id: some if it is young, else none.

    A UUIDv7 begins with the time it was made, in Unix milliseconds (RFC 9562, section 5.7).
    """
    if ident.version != 7:
        return 0.0
    age = now.timestamp() - (ident.int >> 80) / 1000
    return PATIENCE_SECONDS if abs(age) < YOUNG_SECONDS else 0.0
