"""What a backup says of itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.runtime.keys import Keys

_NAME = "manifest.json"


class BackupFailed(Exception):
    """There is no backup where one should be, or no room for one; the message says why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Table(_Part):
    """The rows of a table; ``columns`` are those that were stored, in this order."""

    schema_name: str
    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str

    @property
    def file(self) -> str:
        """Where they are, below ``database``."""
        return f"{self.schema_name}.{self.name}.gz"


class Dump(_Part):
    """A database; ``revisions`` says of each schema how far it was migrated."""

    taken_at: AwareDatetime
    server: str
    revisions: dict[str, str]
    tables: tuple[Table, ...]
    sequences: dict[str, int]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)


class Object(_Part):
    """A blob."""

    key: str
    size: int
    sha256: str


class Objects(_Part):
    """All blobs; ``sha256`` is that of the list of them."""

    count: int
    size: int
    sha256: str


class Manifest(_Part):
    """A whole backup; ``audit_key`` is the public half of what the trail is signed with."""

    format: Literal[1] = 1
    product: str
    audit_key: str
    database: Dump
    objects: Objects

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Raises BackupFailed where no backup is, or one that was not finished."""
        try:
            return cls.model_validate_json((directory / _NAME).read_bytes())
        except OSError as error:
            raise BackupFailed(f"{directory}: no backup, or not a finished one: {error}") from error
        except ValidationError as error:
            raise BackupFailed(f"{directory / _NAME}: not one of ours: {error}") from error

    def __str__(self) -> str:
        rows, files, size = self.database.rows, self.objects.count, self.objects.size
        taken = self.database.taken_at.astimezone(UTC).isoformat(timespec="seconds")
        return f"{rows} rows and {files} files of {size} bytes, as of {taken}"

    def write(self, directory: Path) -> None:
        """What was written before is on the disk when this is there."""
        os.sync()
        building = directory / f".{_NAME}"
        building.write_text(self.model_dump_json(indent=2) + "\n")
        building.replace(directory / _NAME)
        os.sync()


def public_audit_key(keys: Keys) -> str:
    """Who may verify the trail of this installation."""
    return keys.audit_key.public_key().public_bytes_raw().hex()


def is_finished(directory: Path) -> bool:
    """Whether there is a backup."""
    return (directory / _NAME).exists()


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listed(directory: Path) -> Iterator[Object]:
    """The blobs of a backup, in order of key."""
    with (directory / "objects.jsonl").open() as lines:
        yield from map(Object.model_validate_json, lines)
