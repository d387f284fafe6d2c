"""Options that several verbs have, and asking before something is taken back."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

Limit = Annotated[int, typer.Option(min=1, help="The most items to list.")]
All = Annotated[bool, typer.Option("--all", help="List everything, however much.")]
Cursor = Annotated[str | None, typer.Option(help="Go on from the `next_cursor` of a list before.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; tell what would be done.")]


def group(about: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(
        help=about, no_args_is_help=True, add_completion=False, rich_markup_mode="markdown"
    )


def asks(*, yes: bool) -> bool:
    """Whether there is a person to ask; a script is taken at its word."""
    return not yes and sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, yes: bool) -> None:
    """Ask the person at the terminal, if there is one. Ends the command unless they agree."""
    if asks(yes=yes) and ask(f"{question} [y/N]").lower() not in ("y", "yes"):
        raise typer.Abort


def ask(question: str) -> str:
    """A line of the standard input; nothing is written to the standard output."""
    print(question, end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise typer.Abort
    return line.strip()
