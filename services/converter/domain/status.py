"""The life of a conversion."""

from __future__ import annotations

from shared.contracts.converter import ConversionStatus
from shared.contracts.refusal import Refusal

AUTOMATIC: frozenset[tuple[ConversionStatus, ConversionStatus]] = frozenset(
    {("pending", "processing"), ("processing", "completed"), ("processing", "failed")}
)
BY_HAND: frozenset[tuple[ConversionStatus, ConversionStatus]] = frozenset({("failed", "pending")})
"""Only a person's retry leads out of ``failed``; automatic attempts stay in ``processing``."""


class IllegalTransition(Refusal):
    """A conversion cannot go from its status to that one."""

    code = "illegal_transition"
    status = 409
    title = "Not possible in this state"


def move(
    current: ConversionStatus, target: ConversionStatus, *, by_hand: bool = False
) -> ConversionStatus:
    """The next status. Raises IllegalTransition."""
    allowed = AUTOMATIC | BY_HAND if by_hand else AUTOMATIC
    if (current, target) not in allowed:
        raise IllegalTransition(f"A conversion that is {current} cannot become {target}.")
    return target
