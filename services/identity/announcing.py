"""Tells every gateway at once which sessions and keys are good no more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from shared.bus.port import Bus
from shared.contracts.context import Context
from shared.contracts.envelope import seal
from shared.contracts.identity import CredentialRevoked
from shared.runtime.ids import NewId


class Announcer:
    """Broadcasts revocations after their commit; one that gets lost is found out by asking."""

    def __init__(self, bus: Bus, new_id: NewId) -> None:
        self._bus = bus
        self._new_id = new_id

    async def revoked(self, context: Context, credentials: Iterable[UUID]) -> None:
        """Tell of each that it ended."""
        for ident in credentials:
            event = CredentialRevoked(credential_id=ident)
            told = seal(event, ident=self._new_id(), time=datetime.now(UTC), context=context)
            await self._bus.broadcast(told)
