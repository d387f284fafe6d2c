"""Restorations: somebody vouched that a part of the chain was lost when a backup was restored.

Checkpoints of what was lost are kept outside, and no chain could ever continue them. A restoration
names each of them that is set aside, so that no other is: what contradicts a checkpoint of which
no restoration tells is still tampering.

Its statement, a signed note, is kept with what was set aside: the origin
``marquee/<tenant>/restoration``, the restoration's id, how many entries both chains have in common,
how many the longest checkpoint of the lost one covered, and the SHA-256 of the list of what was set
aside: a line of its size and its chain's hash in hexadecimal for each, and the statements of
earlier restorations that were lost with the rest.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.audit.domain import note
from services.audit.domain.chain import Fault
from services.audit.domain.checkpoint import Checkpoint, origin


class LostCheckpoint(NamedTuple):
    """A checkpoint of a chain that is no more."""

    size: int
    hash: str
    """Of the last entry in that chain, in hexadecimal."""

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Self:
        """How a checkpoint is named."""
        return cls(checkpoint.size, checkpoint.hash.hex())


@dataclass(frozen=True, slots=True)
class Restoration:
    """After ``after`` entries the chain went on anew; ``lost`` are checkpoints of what was there.

    ``forgotten`` are statements of earlier restorations that were lost with it.
    """

    id: UUID
    tenant: str
    after: int
    lost: Sequence[LostCheckpoint]
    forgotten: Sequence[str] = ()
    statement: str = ""

    @property
    def until(self) -> int:
        """How many entries the longest of the lost checkpoints covered."""
        return max((each.size for each in self.lost), default=self.after)

    def state(self, key: Ed25519PrivateKey) -> str:
        """The signed statement."""
        return note.sign(self._text(), key)

    def is_ours(self, key: Ed25519PublicKey) -> bool:
        """Whether we signed its statement."""
        try:
            return note.opened(self.statement, key) == self._text()
        except note.Unsigned:
            return False

    def _text(self) -> str:
        listed = "".join([*(f"{each.size} {each.hash}\n" for each in self.lost), *self.forgotten])
        digest = base64.b64encode(hashlib.sha256(listed.encode()).digest()).decode()
        lines = (str(self.id), str(self.after), str(self.until), digest, "")
        return "\n".join((_name(self.tenant), *lines))


def loss_told(statement: str, tenant: str, key: Ed25519PublicKey) -> Fault:
    """What a statement says was lost, as the fault it is where it was not acknowledged."""
    try:
        name, _, after, until, *_ = note.opened(statement, key).split("\n")
    except (note.Unsigned, ValueError):
        return Fault(1, "checkpoint_forged")
    if name != _name(tenant):
        return Fault(1, "checkpoint_forged")
    return Fault(int(after) + 1, "truncated", int(until))


def _name(tenant: str) -> str:
    return f"{origin(tenant)}/restoration"
