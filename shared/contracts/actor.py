"""Who did it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Kind = Literal["user", "key", "system"]

SYSTEM_ID = UUID(int=0)
"""Stands for the system where a deed must be somebody's (the nil UUID of RFC 9562)."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, an API key or the system; written ``user:<id>``, ``key:<id>``, ``system``."""

    kind: Kind
    id: UUID | None = None

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"

    @property
    def principal(self) -> UUID:
        """The id under which a deed is written down: the person's, the key's, or SYSTEM_ID."""
        return self.id or SYSTEM_ID

    @classmethod
    def parse(cls, text: str) -> Actor:
        """Read what ``str`` wrote. Raises ValueError for anything else."""
        kind, _, ident = text.partition(":")
        if kind == "system" and not ident:
            return SYSTEM
        if kind in ("user", "key"):
            return cls(kind, UUID(ident))  # type: ignore[arg-type]  # narrowed by the line above
        raise ValueError(f"not an actor: {text!r}")

    @classmethod
    def user(cls, ident: UUID) -> Actor:
        """A signed-in person."""
        return cls("user", ident)


SYSTEM = Actor("system")
