"""Media URLs that work for an hour or two without a login, and cannot be altered."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from shared.blobs.rules import check_key
from shared.contracts.refusal import Refusal

MEDIA_PATH = "/media/"

_SIGNATURE = "&signature="
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
    """Signs with HMAC-SHA256 (RFC 2104). ``now`` returns Unix time in seconds."""

    def __init__(self, key: bytes, now: Callable[[], float]) -> None:
        self._key = key
        self._now = now

    def url(self, object_key: str) -> str:
        """Path and query for a blob: valid 1 to 2 hours, identical within the hour."""
        expires = (int(self._now()) // _STEP + 2) * _STEP
        signed = f"{MEDIA_PATH}{check_key(object_key)}?expires={expires}"
        return f"{signed}{_SIGNATURE}{self._sign(signed)}"

    def check(self, path_and_query: str) -> str:
        """The blob's key, from a path and query exactly as they came over the wire.

        Raises ForgedUrl, also for a forged URL that has expired, or ExpiredUrl.
        """
        signed, _, signature = path_and_query.rpartition(_SIGNATURE)
        if not signature.isascii() or not hmac.compare_digest(signature, self._sign(signed)):
            raise ForgedUrl("The address is not one that was given out here.")
        parts = urlsplit(signed)
        if self._now() >= int(parse_qs(parts.query)["expires"][0]):
            raise ExpiredUrl("The address has expired; ask for the asset again.")
        return parts.path.removeprefix(MEDIA_PATH)

    def _sign(self, signed: str) -> str:
        """URL-safe text; compared as text, since base64 has spare bits at its end."""
        digest = hmac.digest(self._key, signed.encode(errors="surrogatepass"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
