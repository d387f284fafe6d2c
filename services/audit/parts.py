"""What the routes work with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.examine import Examination
from services.audit.notary import Notary
from services.audit.shelf import Shelf
from shared.blobs.signing import MediaSigner
from shared.contracts.context import Context
from shared.db import Database


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes work with; ``retention`` is how long entries stay in the database."""

    database: Database
    signer: MediaSigner
    notary: Notary
    shelf: Shelf
    retention: timedelta

    @property
    def key(self) -> Ed25519PrivateKey:
        """What checkpoints are signed with."""
        return self.notary.key

    def examination(self, context: Context) -> Examination:
        """A look at a tenant's trail."""
        return Examination(self.database, self.notary, self.shelf, context)
