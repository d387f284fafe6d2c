"""SQLAlchemy Core statements, compiled once at import and run on asyncpg.

Composing a Core statement per call costs more than running it; compiled once, it is as fast as
SQL written by hand, and still checked against the tables.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BindParameter,
    ClauseElement,
    ColumnClause,
    Insert,
    LargeBinary,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.visitors import replacement_traverse
from sqlalchemy.types import TypeEngine

_dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]
_PLAIN = re.compile(r"[\w.-]*", re.ASCII)


OUTBOX: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "type": Text(),
    "aggregateid": Text(),
    "headers": LargeBinary(),
    "payload": LargeBinary(),
}
"""The columns of an outbox that are written."""


def outbox_parameter(column: str) -> str:
    """The parameter of a ``telling`` statement that holds a column of the outbox's new rows."""
    return f"outbox_{column}"


class Statement:
    """One SQL statement with named parameters.

    Name every bind parameter; for a list use ``= ANY(:ids)``, since an ``IN`` list and a literal
    ``None`` cannot be compiled ahead.
    """

    __slots__ = ("_constants", "_names", "sql", "tells")

    def __init__(self, clause: ClauseElement) -> None:
        planned: Any = replacement_traverse(clause, {}, _written_out)
        compiled = planned.compile(dialect=_dialect)
        self.sql = str(compiled)
        self._names: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        self._constants = {k: v for k, v in compiled.params.items() if v is not None}
        self.tells = False

    @classmethod
    def telling(cls, clause: Insert, outbox: Table) -> Statement:
        """One that also stores what its transaction has emitted so far: a round trip less."""
        statement = cls(clause.add_cte(_emitted(outbox)))
        statement.tells = True
        return statement

    def arguments(self, parameters: dict[str, Any]) -> list[Any]:
        """Positional arguments for asyncpg. Raises TypeError for unknown or missing parameters."""
        known = self._constants | parameters
        if len(known) > len(set(self._names)):
            raise TypeError(f"unknown parameters: {sorted(parameters.keys() - set(self._names))}")
        try:
            return [known[name] for name in self._names]
        except KeyError as error:
            raise TypeError(f"missing parameter {error}") from None


def _written_out(element: Any, **_: Any) -> ColumnClause[Any] | None:
    """A constant as part of the text, where the planner sees it.

    A plan that is kept for any parameters takes ``LIMIT $1`` for a tenth of the table, and sorts.
    """
    if not isinstance(element, BindParameter) or not _is_plain(element.value):
        return None
    written = element.type.dialect_impl(_dialect).literal_processor(_dialect)
    return literal_column(written(element.value), element.type) if written else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and bool(_PLAIN.fullmatch(value)))


def _emitted(outbox: Table) -> CTE:
    arrays = (bindparam(outbox_parameter(name), type_=ARRAY(kind)) for name, kind in OUTBOX.items())
    rows = func.unnest(*arrays).table_valued(*OUTBOX, name="emitted_rows").render_derived()
    return (
        insert(outbox)
        .from_select(list(OUTBOX), select(*rows.c))
        .returning(outbox.c.id)
        .cte("emitted")
    )
