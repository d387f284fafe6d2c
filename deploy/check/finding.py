"""What a check has to say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something wrong: ``where`` is a file, or an object in one."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
