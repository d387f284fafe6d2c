"""Archives: consecutive entries of a chain that left the database for a file, and what proves them.

The file is what an export of these entries would be: a line for each, with its hashes, and a last
line with the checkpoint of all entries up to the last of them and, unless they are the first, the
checkpoint that they ``follow``. It is verified by itself, and before and after others.

An archive begins and ends with whole blocks of the Merkle tree (``merkle``), whose roots stay: so
no proof about what is still in the database needs anything from a file. It ends with a month, or,
in months of many entries, with a part of one; at most 255 entries more than a month would allow
stay behind for the next.

Its statement, a signed note, says which file it is: the origin ``marquee/<tenant>/archive``, the
numbers of the first and the last entry, the SHA-256 of the file, and the hash of the last entry in
the chain. With it the file need not be verified link by link each time: it was before we signed.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.audit.domain import checkpoint as notes
from services.audit.domain import note
from services.audit.domain.checkpoint import Checkpoint, ForgedCheckpoint, origin
from services.audit.domain.merkle import BLOCK

MOST_ENTRIES: Final = 200 * BLOCK
"""Of one archive: about 50 MB that are written, read back and verified in one piece."""


class ForgedArchive(ValueError):
    """What is said of an archive was not signed by us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Entries ``first`` to ``last``, recorded between two moments, and the file they are in.

    ``hash`` is that of the last entry in the chain, ``sha256`` the file's.
    """

    id: UUID
    first: int
    last: int
    first_at: datetime
    last_at: datetime
    hash: bytes
    object_key: str
    size_bytes: int
    sha256: bytes
    checkpoint: str
    statement: str
    archived_at: datetime

    @property
    def entries(self) -> int:
        """How many entries it holds."""
        return self.last - self.first + 1

    def vouched(self, tenant: str, key: Ed25519PublicKey) -> Checkpoint:
        """The checkpoint it ends with. Raises ForgedArchive if anything said of it is not ours."""
        text = _statement(tenant, self.first, self.last, self.sha256, self.hash)
        try:
            signed = notes.read(self.checkpoint, tenant, key)
            if note.opened(self.statement, key) != text:
                raise ForgedArchive("The statement is of another file.")
        except (note.Unsigned, ForgedCheckpoint) as error:
            raise ForgedArchive(str(error)) from error
        if (signed.size, signed.hash) != (self.last, self.hash):
            raise ForgedArchive("The checkpoint is of another archive.")
        return signed


class Month(NamedTuple):
    """A month's entries that are still in the database: when it is over, and the last of them."""

    ends: datetime
    last: int


def name(tenant: str, first: int, last: int, chain_hash: bytes) -> str:
    """The key of the file; another chain's entries of the same numbers have another."""
    return f"{tenant}/audit/archives/{first:018}-{last:018}-{chain_hash.hex()[:16]}.jsonl"


def state(signed: Checkpoint, first: int, sha256: bytes, key: Ed25519PrivateKey) -> str:
    """The signed statement of an archive that ends with the checkpoint ``signed``."""
    text = _statement(signed.tenant, first, signed.size, sha256, signed.hash)
    return note.sign(text, key)


def _statement(tenant: str, first: int, last: int, sha256: bytes, chain_hash: bytes) -> str:
    hashes = (base64.b64encode(each).decode() for each in (sha256, chain_hash))
    return "\n".join((f"{origin(tenant)}/archive", str(first), str(last), *hashes, ""))


def end_of_month(moment: datetime) -> datetime:
    """The beginning of the next month, of the first moment of one."""
    return (moment + timedelta(days=32)).replace(day=1)


def cut(months: Sequence[Month], after: int, due: datetime, ceiling: int) -> int | None:
    """The last entry of the next archive, or None if there is none to be made.

    ``months`` hold the entries above ``after``, in their order. Only those that ended by ``due``
    are archived, and nothing above ``ceiling``.
    """
    for month in months:
        if month.ends > due:
            return None
        last = min(month.last, ceiling) // BLOCK * BLOCK
        if last > after:
            return last
    return None


def due_before(now: datetime, retention: timedelta) -> datetime:
    """What was recorded before then may go: older than ``retention``, and than a calendar year."""
    leap_day = (now.month, now.day) == (2, 29)
    a_year_ago = now.replace(year=now.year - 1, day=28 if leap_day else now.day)
    return min(now - retention, a_year_ago)
