"""The verbs of this service on the command line."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit.offline import BadLine, Verified, verify_file


def verify(files: Sequence[Path], key: str) -> int:
    """Verify exports and archives and say how it went; the exit code: 0 sound, 1 not, 2 unreadable.

    Of several each must follow the one before.
    """
    before: Verified | None = None
    for file in files:
        try:
            verified = verify_file(file, _public_key(key))
        except BadLine as bad:
            typer.echo(f"{file}: {bad}")
            return 1
        except (OSError, ValueError) as error:
            typer.echo(f"marquee: {error}", err=True)
            return 2
        if before and not verified.continues(before):
            typer.echo(f"{file}: it does not follow the file before it")
            return 1
        typer.echo(f"{file}: sound, {_extent(verified)}")
        before = verified
    return 0


def _extent(verified: Verified) -> str:
    signed, follows = verified.checkpoint, verified.follows
    if verified.complete and follows.size:
        return f"entries {follows.size + 1} to {signed.size} of {signed.tenant}"
    extent = "all" if verified.complete else f"{verified.entries} of"
    return f"{extent} {signed.size} entries of {signed.tenant}"


def _public_key(text: str) -> Ed25519PublicKey:
    """The key, or what is in the file of this name. Raises ValueError or OSError."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        path = Path(text)
        if not path.is_file():
            raise ValueError("the key must be 32 bytes in base64, or a file of that") from None
    return _public_key_in(path)


def _public_key_in(path: Path) -> Ed25519PublicKey:
    raw = base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True)
    return Ed25519PublicKey.from_public_bytes(raw)
