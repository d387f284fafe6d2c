"""Keys: everything secret is derived from one root key, but for the audit signing key."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.db import sealing
from shared.db.sealing import FieldCipher
from shared.runtime.settings import RuntimeSettings, SettingsError


@dataclass(frozen=True, slots=True)
class Keys:
    """Derives a key per purpose with HKDF-SHA256 (RFC 5869).

    ``old_roots`` were ``root`` before, newest first. ``audit_root`` is kept apart, so that who can
    sign in as anyone still cannot sign the trail.
    """

    root: bytes
    audit_root: bytes
    old_roots: tuple[bytes, ...] = ()

    def derive(self, purpose: str) -> bytes:
        """The key of 32 bytes for one purpose; the same purpose gives the same key."""
        return _derive(self.root, purpose)

    def signing_key(self, purpose: str) -> Ed25519PrivateKey:
        """An Ed25519 key (RFC 8032) for one purpose."""
        return Ed25519PrivateKey.from_private_bytes(self.derive(purpose))

    @property
    def field_cipher(self) -> FieldCipher:
        """Seals secrets in columns; what was sealed under an older root key can still be read."""
        roots = (self.root, *self.old_roots)
        return FieldCipher(*(_derive(root, sealing.PURPOSE) for root in roots))

    @property
    def audit_key(self) -> Ed25519PrivateKey:
        """Signs the checkpoints of the audit trail."""
        return Ed25519PrivateKey.from_private_bytes(_derive(self.audit_root, "audit-checkpoint"))


def _derive(root: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"marquee {purpose}".encode()).derive(root)


def load_keys(settings: RuntimeSettings, *, generate: bool = True) -> Keys:
    """Take the keys from the settings, else from the data directory, generating them once.

    Raises SettingsError if a key is missing and a part is external, since another process would
    generate another one; or unless they are to be generated.
    """
    return Keys(
        root=_key(settings, "secret_key", generate=generate).encode(),
        audit_root=_key(settings, "audit_signing_key", generate=generate).encode(),
        old_roots=tuple(old.get_secret_value().encode() for old in settings.old_secret_keys),
    )


def _key(settings: RuntimeSettings, name: str, *, generate: bool) -> str:
    given = getattr(settings, name)
    if given is not None:
        return str(given.get_secret_value())
    if settings.external:
        raise SettingsError(
            f"MARQUEE_{name.upper()}: required once the database, the broker or the store is "
            "external; it takes at least 32 random characters, the same for every process"
        )
    path = settings.data_dir / "secrets" / name
    if not (generate or path.exists()):
        raise SettingsError(
            f"MARQUEE_{name.upper()}: required, or as the file {path}, as it was before"
        )
    return _kept(path)


def _kept(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(path, secrets.token_urlsafe(48))
        return path.read_text(encoding="ascii").strip()


def write_secret(path: Path, secret: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
