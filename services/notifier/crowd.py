"""How many WebSockets there may be at once, of one person and of one tenant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from shared.contracts.notifier import CROWDED_SECONDS, TooManySockets
from shared.web.actor import Claims


class Crowd:
    """Counts the WebSockets of this process. An API key counts as a person."""

    def __init__(self, *, per_user: int, per_tenant: int) -> None:
        self.per_user = per_user
        self.per_tenant = per_tenant
        self._open: Counter[str] = Counter()

    def of(self, tenant: str) -> int:
        """How many a tenant has open."""
        return self._open[tenant]

    @contextmanager
    def room(self, claims: Claims) -> Iterator[None]:
        """A block with one more of somebody's. Raises TooManySockets if there is no room for it."""
        user = f"{claims.tenant} {claims.actor}"
        for who, most, whose in (
            (user, self.per_user, "you"),
            (claims.tenant, self.per_tenant, "your tenant"),
        ):
            if self._open[who] >= most:
                detail = f"At most {most} WebSockets may be open for {whose}."
                raise TooManySockets(detail, retry_after=CROWDED_SECONDS)
        self._open.update((user, claims.tenant))
        try:
            yield
        finally:
            self._open.subtract((user, claims.tenant))
            for who in (user, claims.tenant):
                if not self._open[who]:
                    del self._open[who]
