"""Checkpoints: how far a chain reached, under our signature, to be kept where we cannot reach it.

A checkpoint is a signed note (C2SP signed-note, tlog-checkpoint) of four lines: the origin
``marquee/<tenant>``; the number of entries; the root of the Merkle tree over them (``merkle``);
and, as the extension line that the format leaves to a log, the hash of the last entry in the chain
(``chain``), so that a chain can be continued and compared from there. Hashes are in base64. The
signature line carries the key's name, which is the origin, and base64 of four bytes of the key's
hash and the Ed25519 signature. A note tells no time: the same chain always has the same note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.audit.domain.chain import GENESIS, Head
from services.audit.domain.merkle import EMPTY_ROOT
from shared.contracts.refusal import Refusal

_ED25519 = b"\x01"
_ORIGIN = "marquee/"
_HASH = r"[A-Za-z0-9+/]{43}="
_NOTE = re.compile(
    rf"(?P<text>(?P<origin>{_ORIGIN}(?P<tenant>\S+))\n(?P<size>0|[1-9]\d{{0,17}})\n"
    rf"(?P<root>{_HASH})\n(?P<head>{_HASH})\n)"
    r"\n— (?P=origin) (?P<signature>\S+)\n?",
    re.ASCII,
)


class ForgedCheckpoint(Refusal):
    """The text is no checkpoint of this tenant's chain that we have signed."""

    code = "checkpoint_forged"
    title = "Not a checkpoint of ours"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What we vouch for: a tenant's first ``size`` entries, as a tree and as a chain."""

    tenant: str
    size: int = 0
    root: bytes = EMPTY_ROOT
    hash: bytes = GENESIS

    @property
    def head(self) -> Head:
        """Where the chain ended."""
        return Head(self.size, self.hash)


def origin(tenant: str) -> str:
    """The name of a tenant's chain."""
    return _ORIGIN + tenant


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """A checkpoint as a signed note."""
    name = origin(checkpoint.tenant)
    hashes = (base64.b64encode(each).decode() for each in (checkpoint.root, checkpoint.hash))
    text = "\n".join((name, str(checkpoint.size), *hashes, ""))
    signature = _key_id(name, key.public_key()) + key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def opened(note: str, key: Ed25519PublicKey) -> Checkpoint:
    """What a note vouches for, whichever tenant's it is. Raises ForgedCheckpoint."""
    parts = _NOTE.fullmatch(note)
    if parts is None:
        raise ForgedCheckpoint("This is no signed note of an audit trail.")
    try:
        signature = base64.b64decode(parts["signature"], validate=True)
        if signature[:4] != _key_id(parts["origin"], key):
            raise ForgedCheckpoint("The checkpoint was signed with another key.")
        key.verify(signature[4:], parts["text"].encode())
    except (InvalidSignature, binascii.Error) as error:
        raise ForgedCheckpoint("The signature does not fit the checkpoint.") from error
    root, head = (base64.b64decode(parts[name]) for name in ("root", "head"))
    return Checkpoint(parts["tenant"], int(parts["size"]), root, head)


def read(note: str, tenant: str, key: Ed25519PublicKey) -> Checkpoint:
    """What a note vouches for. Raises ForgedCheckpoint, also for another tenant's."""
    checkpoint = opened(note, key)
    if checkpoint.tenant != tenant:
        raise ForgedCheckpoint(f"This is no checkpoint of {origin(tenant)}.")
    return checkpoint


def public_key(key: Ed25519PrivateKey) -> str:
    """The 32 bytes of the public key, in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _key_id(name: str, key: Ed25519PublicKey) -> bytes:
    material = name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()
    return hashlib.sha256(material).digest()[:4]
