"""What is written where: results to stdout, words to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli import words

_WIDE = 100_000  # columns where there is no terminal: nothing is cut off in a file or a pipe


class Output(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"


Columns = Mapping[str, Callable[[Any], Any]]
"""The names of columns or fields, and how each is made of a thing."""

Wanted = Annotated[
    Output, typer.Option("--output", "-o", envvar="MARQUEE_OUTPUT", help="How to write results.")
]


def say(text: str) -> None:
    """Tell a person something, a line of it; above the bars, if there are any."""
    print(words.plain(text), file=sys.stderr, flush=True)


def complain(text: str, *more: str) -> None:
    """Tell a person what went wrong; ``more`` are the lines beneath."""
    say(f"marquee: {text}")
    for line in more:
        say(f"  {line}")


def show(wanted: Output, result: Any, tell: Callable[[], None]) -> None:
    """Write a result: itself as JSON, or whatever ``tell`` writes of it."""
    if wanted == Output.JSON:
        show_json(result)
    else:
        tell()


def show_json(result: Any) -> None:
    """Write JSON, indented; escaped where the terminal or file cannot hold all of Unicode."""
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    typer.echo(json.dumps(result, indent=2, ensure_ascii=ascii_only))


def show_table(columns: Columns, rows: Iterable[Any]) -> None:
    """Write a table; each column says how a row's cell is made."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name == "ID")
    for row in rows:
        table.add_row(*(_cell(make(row)) for make in columns.values()))
    _console().print(table)


def show_fields(fields: Mapping[str, Any]) -> None:
    """Write one thing, a line for each of its fields."""
    width = max(map(len, fields))
    for name, value in fields.items():
        typer.echo(f"{name:<{width}}  {words.plain(value)}")


def _cell(value: Any) -> Text:
    return Text(words.plain(value))


def _console() -> Console:
    terminal = sys.stdout.isatty()
    return Console(markup=False, emoji=False, highlight=False, width=None if terminal else _WIDE)
