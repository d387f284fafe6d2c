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
    """Ask the person at the terminal, if there is one. Ends the command on a no."""
    if asks(yes=yes):
        typer.confirm(question, abort=True, err=True)
