"""Secrets in columns: sealed with AES-256-GCM, each for its own place, so that none can be moved.

Source: NIST SP 800-38D. A sealed value is a version, the id of a key, a random nonce of 96 bits,
and the ciphertext with its tag. Table, column, row and key id are authenticated with it (AAD). Each
place has a key of its own, made from the root's: nonces then cannot run out, however many rows.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PURPOSE = "field-encryption"
"""What the keys that are given to a cipher are derived for."""

_VERSION = b"\x01"
_KEY_ID = 8  # bytes
_NONCE = 12  # bytes, as AES-GCM takes them
_HEAD = len(_VERSION) + _KEY_ID + _NONCE


class FieldUnreadable(Exception):
    """What is stored in a sealed column cannot be opened there."""


class UnknownFieldKey(FieldUnreadable):
    """It was sealed with a key that is not among those given here."""


class FieldAltered(FieldUnreadable):
    """It is not what was sealed, or not at the place it was sealed for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret is stored: a column of ``schema.table``, in the row that ``row`` names."""

    table: str
    column: str
    row: str


class FieldCipher:
    """Seals with its newest key, and opens what any of its keys has sealed."""

    def __init__(self, *keys: bytes) -> None:
        """``keys`` are of 32 bytes each, the newest first."""
        self._keys = {key_id(key): key for key in keys}
        self._newest = key_id(keys[0])

    def seal(self, place: Place, secret: bytes) -> bytes:
        """The bytes to store."""
        nonce = os.urandom(_NONCE)
        cipher, told = self._at(place, self._newest)
        return _VERSION + self._newest + nonce + cipher.encrypt(nonce, secret, told)

    def open(self, place: Place, sealed: bytes) -> bytes:
        """What was sealed. Raises UnknownFieldKey or FieldAltered."""
        if sealed[:1] != _VERSION or len(sealed) < _HEAD:
            raise FieldAltered(f"{place}: no sealed value")
        cipher, told = self._at(place, sealed[1 : 1 + _KEY_ID])
        try:
            return cipher.decrypt(sealed[_HEAD - _NONCE : _HEAD], sealed[_HEAD:], told)
        except InvalidTag:
            raise FieldAltered(f"{place}: not what was sealed there") from None

    def _at(self, place: Place, ident: bytes) -> tuple[AESGCM, bytes]:
        key = self._keys.get(ident)
        if key is None:
            raise UnknownFieldKey(f"{place}: sealed with the key {ident.hex()}")
        told = orjson.dumps([place.table, place.column, place.row, ident.hex()])
        return AESGCM(hmac.digest(key, told, "sha256")), told


def key_id(key: bytes) -> bytes:
    """What a key is called in what it sealed; it tells nothing of the key."""
    return hashlib.sha256(b"marquee field key id " + key).digest()[:_KEY_ID]
