"""Callers of a service under test, vouched for as the gateway does it."""

from __future__ import annotations

import time

from shared.contracts.actor import Actor
from shared.contracts.context import DEFAULT_TENANT
from shared.contracts.identity import Role
from shared.runtime.ids import new_id
from shared.web.actor import HEADER, ActorSeal, Claims

SEAL = ActorSeal(b"a key for tests", time.time)
"""What the service under test has to be given."""


def signed(
    role: Role = "admin",
    *,
    tenant: str = DEFAULT_TENANT,
    actor: Actor | None = None,
    seconds: float = 600,
) -> dict[str, str]:
    """The headers of a caller, a stranger unless one is named, who is signed in for so long."""
    claims = Claims(tenant, actor or Actor.user(new_id()), role, time.time() + seconds)
    return {HEADER: SEAL.sign(claims)}
