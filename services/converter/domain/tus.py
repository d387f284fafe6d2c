"""The words of tus 1.0: what the headers of a resumable upload say, and how one is refused.

Source: tus resumable upload protocol 1.0.0 with its extensions creation, creation-with-upload,
checksum, expiration and termination.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.contracts.refusal import Refusal

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "checksum", "expiration", "termination")
ALGORITHMS = ("sha256", "sha1", "md5")
OFFSET_STREAM = "application/offset+octet-stream"
LONGEST_TITLE = 200
LONGEST_METADATA = 4096

_COUNT = re.compile(r"[0-9]{1,15}", re.ASCII)
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]+", re.ASCII)


class UnsupportedVersion(Refusal):
    """The client speaks another version of tus, or does not say which."""

    code = "unsupported_tus_version"
    status = 412
    title = "Unsupported version of tus"


class InvalidHeader(Refusal):
    """A header is missing, given twice, or does not say what it should."""

    code = "invalid_header"
    status = 400
    title = "A header is not valid"


class OffsetMismatch(Refusal):
    """The bytes sent do not follow those that are here; ``offset`` is where to go on."""

    code = "offset_mismatch"
    status = 409
    title = "The offset is another"


class ChecksumMismatch(Refusal):
    """The bytes that came are not those that were sent; none of them is kept."""

    code = "checksum_mismatch"
    status = 460
    title = "Checksum mismatch"


class BeyondLength(Refusal):
    """More bytes were sent than the upload was announced to have."""

    code = "beyond_length"
    status = 413
    title = "The upload is longer than announced"


class BrokenOff(Refusal):
    """The body could not be read to its end; without a checksum, what came of it is kept."""

    code = "broken_off"
    status = 400
    title = "The body broke off"


class TooManyParts(Refusal):
    """The upload came in more pieces than are put together again."""

    code = "too_many_parts"
    status = 413
    title = "Too many pieces"


class TooManyUploads(Refusal):
    """The tenant has as many uploads under way as it may: end some, or let them expire."""

    code = "too_many_uploads"
    status = 429
    title = "Too many uploads under way"


class UploadNotFound(Refusal):
    """The tenant has no such upload, or it ended long ago."""

    code = "upload_not_found"
    status = 404
    title = "Upload not found"


class UploadGone(Refusal):
    """The upload was terminated, has expired, or held no video: begin a new one."""

    code = "upload_gone"
    status = 410
    title = "The upload is gone"


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes

    def hash(self) -> Any:
        """A hash to be fed."""
        return hashlib.new(self.algorithm, usedforsecurity=False)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a client tells of its file; ``raw`` is the header as it was sent."""

    raw: str = ""
    filename: str | None = None
    title: str | None = None


def check_version(text: str | None) -> None:
    """Raises UnsupportedVersion."""
    if text != VERSION:
        raise UnsupportedVersion(f"Send Tus-Resumable: {VERSION}.", supported=[VERSION])


def count(name: str, text: str | None) -> int:
    """A number of bytes. Raises InvalidHeader."""
    if text is None:
        raise _invalid(name, "is required")
    if not _COUNT.fullmatch(text):
        raise _invalid(name, "must be a number of bytes")
    return int(text)


def checksum(text: str) -> Checksum:
    """The value of ``Upload-Checksum``. Raises InvalidHeader."""
    algorithm, _, encoded = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise _invalid("Upload-Checksum", f"must begin with one of: {', '.join(ALGORITHMS)}")
    wanted = Checksum(algorithm, _decoded("Upload-Checksum", encoded))
    if len(wanted.digest) != wanted.hash().digest_size:
        raise _invalid("Upload-Checksum", f"is no digest of {algorithm}")
    return wanted


def metadata(text: str) -> Metadata:
    """The value of ``Upload-Metadata``: what is known as ``filename`` (or ``name``) and ``title``.

    Raises InvalidHeader for what is no list of keys and base64 values.
    """
    if len(text) > LONGEST_METADATA:
        raise _invalid("Upload-Metadata", f"has more than {LONGEST_METADATA} characters")
    told: dict[str, bytes] = {}
    for key, value in _pairs(text):
        if key in told:
            raise _invalid("Upload-Metadata", f"has the key {key!r} twice")
        told[key] = value
    title = _text(told, "title")
    if title and len(title) > LONGEST_TITLE:
        raise _invalid("Upload-Metadata", f"has a title of more than {LONGEST_TITLE} characters")
    return Metadata(text, _text(told, "filename") or _text(told, "name"), title)


def _pairs(text: str) -> Iterator[tuple[str, bytes]]:
    for pair in text.split(",") if text.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        if not _KEY.fullmatch(key):
            raise _invalid("Upload-Metadata", "has a key that is empty or not ASCII")
        yield key, _decoded("Upload-Metadata", encoded)


def _decoded(name: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _invalid(name, "holds a value that is not base64") from None


def _text(told: dict[str, bytes], key: str) -> str | None:
    try:
        return told[key].decode() if key in told else None
    except UnicodeDecodeError:
        raise _invalid("Upload-Metadata", f"has a {key} that is not UTF-8") from None


def _invalid(name: str, wrong: str) -> InvalidHeader:
    return InvalidHeader(f"{name} {wrong}.", header=name)
