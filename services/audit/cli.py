"""The verbs of this service on the command line."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit.offline import BadLine, Verified, verify_file


def verify(file: Path, key: str, *, as_json: bool = False) -> int:
    """Verify an export and say how it went; the exit code: 0 sound, 1 not, 2 unreadable."""
    try:
        verified = verify_file(file, _public_key(key))
    except BadLine as bad:
        told = {"ok": False, "first_bad_line": bad.number, "reason": bad.reason}
        typer.echo(json.dumps(told) if as_json else f"{file}: {bad}")
        return 1
    except (OSError, ValueError) as error:
        typer.echo(f"marquee: {error}", err=True)
        return 2
    signed = verified.checkpoint
    extent = "all" if verified.complete else f"{verified.entries} of"
    if behind := verified.follows.size:
        extent = f"those after {behind} of"
    sound = f"{file}: sound, {extent} {signed.size} entries of {signed.tenant}"
    typer.echo(json.dumps(_told(verified)) if as_json else sound)
    return 0


def _told(verified: Verified) -> dict[str, Any]:
    signed = verified.checkpoint
    return {
        "ok": True,
        "entries": verified.entries,
        "complete": verified.complete,
        "tenant": signed.tenant,
        "signed_entries": signed.size,
        "first_bad_line": None,
        "reason": None,
    }


def _public_key(text: str) -> Ed25519PublicKey:
    """The key, or what is in the file of this name. Raises ValueError or OSError."""
    with suppress(ValueError):
        return _key(text)
    with suppress(ValueError):
        return _key(_written_in(Path(text)))
    raise ValueError(
        "the key must be 32 bytes in base64, or a file of that or of /.well-known/audit-key"
    )


def _key(encoded: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded, validate=True))


def _written_in(path: Path) -> str:
    """The key in a file, which may be the server's answer as it came."""
    if not path.is_file():
        raise ValueError
    text = path.read_text(encoding="ascii").strip()
    return str(json.loads(text).get("public_key")) if text.startswith("{") else text
