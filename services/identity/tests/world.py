"""The parts of identity's routes, with a bus that only remembers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from limits import parse

from services.identity import http
from services.identity.announcing import Announcer
from services.identity.tokens import TokenSigner
from shared.contracts.envelope import Message, unseal
from shared.contracts.identity import CredentialRevoked
from shared.db import Database
from shared.runtime.ids import new_id
from shared.web.csrf import CsrfTokens
from shared.web.limits import RateLimiter


class Loudspeaker:
    """Remembers what was broadcast."""

    def __init__(self) -> None:
        self.said: list[Message] = []

    async def broadcast(self, message: Message) -> None:
        self.said.append(message)

    @property
    def revoked(self) -> list[UUID]:
        """The sessions and keys that were told to have ended."""
        events = [unseal(message).event for message in self.said]
        return [event.credential_id for event in events if isinstance(event, CredentialRevoked)]


def parts(
    database: Database,
    bus: Any = None,
    *,
    login_rate: str = "60/minute",
    address_rate: str = "600/minute",
) -> http.Parts:
    """What the routes work with."""
    heard: Any = bus or Loudspeaker()
    return http.Parts(
        database=database,
        signer=TokenSigner(Ed25519PrivateKey.generate()),
        new_id=new_id,
        csrf=CsrfTokens(b"a key for tests"),
        announcer=Announcer(heard, new_id),
        limiter=RateLimiter(),
        login_rate=parse(login_rate),
        login_address_rate=parse(address_rate),
    )
