"""Passwords: argon2id, away from the event loop, and never too many at once."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Parameters of the OWASP password storage cheat sheet: 19 MiB, two passes, one lane."""

_NOBODY = _hasher.hash("nobody has this password")

_room = asyncio.Semaphore(4)
"""Bounds memory and keeps a flood of logins from taking every thread."""


async def hash_password(password: str) -> str:
    """The argon2id hash, with its salt and parameters (PHC string format)."""
    async with _room:
        return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password fits; takes the same time when there is no such person."""
    async with _room:
        fits = await asyncio.to_thread(_verify, password_hash or _NOBODY, password)
    return fits and password_hash is not None


def outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than are used now."""
    return _hasher.check_needs_rehash(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
