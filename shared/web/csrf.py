"""Tokens against forged requests: what a page of ours knows of a session, and no other page can.

Source: the signed double-submit pattern of OWASP's cheat sheet on cross-site request forgery.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from uuid import UUID

HEADER = "X-CSRF-Token"
PURPOSE = "csrf-token"
"""What the key is derived for."""


class CsrfTokens:
    """Makes and checks the token of a session; nothing has to be stored for it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, session: UUID) -> str:
        """The token of a session, the same as long as it lasts."""
        digest = hmac.new(self._key, session.bytes, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def fits(self, session: UUID, token: str) -> bool:
        """Whether the token is that of the session, found out in constant time."""
        given = token.encode("utf-8", "surrogateescape")
        return hmac.compare_digest(self.token(session).encode(), given)
