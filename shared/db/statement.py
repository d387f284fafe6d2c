"""SQLAlchemy Core statements, compiled once at import and run on asyncpg.

Composing a Core statement per call costs more than running it; compiled once, it is as fast as
SQL written by hand, and still checked against the tables.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql import asyncpg

_dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]


class Statement:
    """One SQL statement with named parameters.

    Name every bind parameter; for a list use ``= ANY(:ids)``, since an ``IN`` list and a literal
    ``None`` cannot be compiled ahead.
    """

    __slots__ = ("_constants", "_names", "sql")

    def __init__(self, clause: ClauseElement) -> None:
        compiled = clause.compile(dialect=_dialect)
        self.sql = str(compiled)
        self._names: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        self._constants = {k: v for k, v in compiled.params.items() if v is not None}

    def arguments(self, parameters: dict[str, Any]) -> list[Any]:
        """Positional arguments for asyncpg. Raises TypeError for unknown or missing parameters."""
        known = self._constants | parameters
        if len(known) > len(set(self._names)):
            raise TypeError(f"unknown parameters: {sorted(parameters.keys() - set(self._names))}")
        try:
            return [known[name] for name in self._names]
        except KeyError as error:
            raise TypeError(f"missing parameter {error}") from None
