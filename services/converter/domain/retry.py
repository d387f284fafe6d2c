"""What happens after a failed attempt."""

from __future__ import annotations

from dataclasses import dataclass, replace

BASE_SECONDS, FACTOR, CAP_SECONDS = 5.0, 3, 600.0

MOST_TIMEOUTS = 2
"""The second attempt already uses the fastest settings; a third would end the same way."""

TOO_LONG = "It did so even with the fastest settings."


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed; a ``permanent`` reason is one that no repetition can change."""

    code: str
    message: str
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class TryAgain:
    """After so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """For good, and this is what to tell; only a person can start it again."""

    failure: Failure


def after_failure(
    failure: Failure, *, retry_count: int, max_retries: int, timeouts: int, chance: float
) -> TryAgain | GiveUp:
    """Decide about the next attempt; ``chance`` is random in [0, 1).

    Exponential backoff with full jitter: a share of 5 s, 15 s, 45 s, ..., at most 10 minutes, so
    that jobs which failed together do not come back together.
    """
    if timeouts >= MOST_TIMEOUTS:
        return GiveUp(replace(failure, message=f"{failure.message} {TOO_LONG}"))
    if failure.permanent or retry_count >= max_retries:
        return GiveUp(failure)
    return TryAgain(chance * min(CAP_SECONDS, BASE_SECONDS * FACTOR**retry_count))
