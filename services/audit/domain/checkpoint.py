"""Checkpoints: how far a chain reached, under our signature, to be kept where we cannot reach it.

A checkpoint is a signed note (C2SP signed-note, tlog-checkpoint) of four lines: the origin
``marquee/<tenant>``; the number of entries; the root of the Merkle tree over them (``merkle``);
and, as the extension line that the format leaves to a log, the hash of the last entry in the chain
(``chain``), so that a chain can be continued and compared from there. Hashes are in base64. A note
tells no time: the same chain always has the same note.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.audit.domain import note as notes
from services.audit.domain.chain import GENESIS, Head
from services.audit.domain.merkle import EMPTY_ROOT
from shared.contracts.refusal import Refusal

_ORIGIN = "marquee/"
_HASH = r"[A-Za-z0-9+/]{43}="
_TEXT = re.compile(
    rf"{_ORIGIN}(?P<tenant>\S+)\n(?P<size>0|[1-9]\d{{0,17}})\n"
    rf"(?P<root>{_HASH})\n(?P<head>{_HASH})\n",
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
    hashes = (base64.b64encode(each).decode() for each in (checkpoint.root, checkpoint.hash))
    return notes.sign(
        "\n".join((origin(checkpoint.tenant), str(checkpoint.size), *hashes, "")), key
    )


def opened(note: str, key: Ed25519PublicKey) -> Checkpoint:
    """What a note vouches for, whichever tenant's it is. Raises ForgedCheckpoint."""
    try:
        parts = _TEXT.fullmatch(notes.opened(note, key))
        if parts is None:
            raise ForgedCheckpoint("This is no checkpoint of an audit trail.")
        root, head = (base64.b64decode(parts[name], validate=True) for name in ("root", "head"))
    except (notes.Unsigned, binascii.Error) as error:
        raise ForgedCheckpoint(str(error)) from error
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
