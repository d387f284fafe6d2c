"""Secrets that programs carry: made of random bytes, kept only as their SHA-256.

A plain hash is enough for 256 random bits: nobody can guess them, slowly or fast.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from shared.contracts.tokens import API_KEY_PREFIX

_SHOWN = len(API_KEY_PREFIX) + 6
"""How many characters tell one key from another, and tell nothing of the rest."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as it is given away once."""

    text: str

    @property
    def digest(self) -> bytes:
        """What is kept of it."""
        return digest_of(self.text)

    @property
    def prefix(self) -> str:
        """Its beginning, to recognise it by."""
        return self.text[:_SHOWN]


def new_api_key() -> Secret:
    """A key that scanners for leaked secrets can recognise."""
    return Secret(API_KEY_PREFIX + secrets.token_urlsafe(32))


def new_ticket() -> Secret:
    """A ticket for one WebSocket."""
    return Secret(secrets.token_urlsafe(32))


def digest_of(text: str) -> bytes:
    """The SHA-256 of a secret."""
    return hashlib.sha256(text.encode()).digest()
