"""Media URLs that work for an hour or two without a login, and cannot be altered."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from cachetools import LRUCache
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from shared.blobs.rules import check_key
from shared.contracts.refusal import Refusal

MEDIA_PATH = "/media/"

_SIGNATURE = "&signature="
_OBJECT = "object"
_REMEMBERED = 10_000
_STEP = 3600  # seconds in which a URL stays the same, so that browsers can cache what it names


class ForgedUrl(Refusal):
    """The URL is not, byte by byte, one that was signed here."""

    code = "forged_url"
    status = 403
    title = "Forged URL"


class ExpiredUrl(Refusal):
    """The URL was signed here, but its time is over."""

    code = "expired_url"
    status = 410
    title = "Expired URL"


class MediaSigner:
    """Signs with HMAC-SHA256 (RFC 2104). ``now`` returns Unix time in seconds.

    The path names an asset and its rendition. Where that is stored is in the query, encrypted
    (AES-SIV, RFC 5297: the same each time): assets of the same bytes share objects, and one must
    not be told of another.
    """

    def __init__(self, key: bytes, now: Callable[[], float]) -> None:
        self._key = key
        self._now = now
        self._cipher = AESSIV(hmac.digest(key, b"marquee media object", "sha512"))
        self._urls: LRUCache[tuple[UUID | str, str, str, int], str] = LRUCache(_REMEMBERED)

    def url(self, asset_id: UUID | str, rendition: str, object_key: str) -> str:
        """Path and query for a rendition: valid 1 to 2 hours, identical within the hour."""
        expires = (int(self._now()) // _STEP + 2) * _STEP
        what = (asset_id, rendition, object_key, expires)
        if (known := self._urls.get(what)) is not None:
            return known
        suffix = PurePosixPath(object_key).suffix
        logical = check_key(f"{asset_id}/{rendition}{suffix}")
        stored = self._hide(object_key)
        signed = f"{MEDIA_PATH}{logical}?{_OBJECT}={stored}&expires={expires}"
        url = self._urls[what] = f"{signed}{_SIGNATURE}{self._sign(signed)}"
        return url

    def check(self, path_and_query: str) -> str:
        """The blob's key, from a path and query exactly as they came over the wire.

        Raises ForgedUrl, also for a forged URL that has expired, or ExpiredUrl.
        """
        signed, _, signature = path_and_query.rpartition(_SIGNATURE)
        if not signature.isascii() or not hmac.compare_digest(signature, self._sign(signed)):
            raise ForgedUrl("The address is not one that was given out here.")
        asked = parse_qs(urlsplit(signed).query)
        if self._now() >= int(asked["expires"][0]) or _OBJECT not in asked:  # as URLs once were
            raise ExpiredUrl("The address has expired; ask for the asset again.")
        return self._reveal(asked[_OBJECT][0])

    def _hide(self, object_key: str) -> str:
        sealed = self._cipher.encrypt(check_key(object_key).encode(), None)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _reveal(self, hidden: str) -> str:
        sealed = base64.urlsafe_b64decode(hidden + "=" * (-len(hidden) % 4))
        return self._cipher.decrypt(sealed, None).decode()

    def _sign(self, signed: str) -> str:
        """URL-safe text; compared as text, since base64 has spare bits at its end."""
        digest = hmac.digest(self._key, signed.encode(errors="surrogatepass"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
