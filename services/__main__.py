"""``python -m services [name ...]``: the named services in one process; without names, all.

Also the verbs of the ``marquee`` command, as ``python -m services assets list``. Where a name is
both, as ``audit`` is, it takes the name of a verb behind it to mean the verb. The code of each is
imported when it is run, so that no verb waits for the imports of all services.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections import UserDict
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup
from typer.main import get_command

from services import SERVICES
from services.cli.failures import Failed


def start(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help=f"Which services to run: {', '.join(SERVICES)}."),
    ] = None,
) -> None:
    """Start the named services in one process; without names, all of them.

    Settings are environment variables that begin with MARQUEE_; see the README.
    """
    if unknown := [name for name in names or [] if name not in SERVICES]:
        told = f"no such service or command: {', '.join(unknown)}"
        raise typer.BadParameter(told, param_hint="NAME")
    import_module("services.start").run(names or [])


def migrate() -> None:
    """Bring the schemas of all services up to date, and end: for a job before a new version.

    MARQUEE_DATABASE_ADMIN_URL says where and as whom. The user of MARQUEE_DATABASE_URL is made
    if there is none; it may become the services' roles, and has no other right.
    """
    import_module("services.start").migrate()


def backup(
    directory: Annotated[Path, typer.Argument(help="Where to; what is there is gone on with.")],
) -> None:
    """Back up the database and the blob store, while everybody works on.

    Settings are those of the services, with MARQUEE_DATABASE_ADMIN_URL of somebody who sees every
    row. The secrets are no part of it: keep them elsewhere.
    """
    import_module("services.start").backup(directory)


def restore(
    directory: Annotated[Path, typer.Argument(help="The backup.")],
    *,
    database_only: Annotated[
        bool, typer.Option("--database-only", help="The blob store was not lost: leave it alone.")
    ] = False,
) -> None:
    """Restore a backup into an empty database and an empty blob store.

    Services must not run meanwhile; they need the secrets that they had before.
    """
    import_module("services.start").restore(directory, database_only=database_only)


def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An export in JSON lines; without, all of the trail.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="The public key in base64, or a file of it or of /.well-known/audit-key."
        ),
    ] = None,
    output: Annotated[
        Literal["table", "json"], typer.Option("--output", "-o", help="How to write the result.")
    ] = "table",
) -> None:
    """Verify an exported file, without database or network; or let the server verify its trail.

    Ends with 1 after naming the first line or entry that is bad, with 2 if a file cannot be read.
    """
    if file is None:
        import_module("services.cli.trail").verify_stored(output)
    elif key is None:
        raise typer.BadParameter("say which key it is signed with", param_hint="--key")
    else:
        code = import_module("services.audit.cli").verify(file, key, as_json=output == "json")
        raise typer.Exit(code)


VERBS: dict[str, Callable[[], Any]] = {
    "start": lambda: start,
    "migrate": lambda: migrate,
    "backup": lambda: backup,
    "restore": lambda: restore,
    "login": lambda: import_module("services.cli.login").login,
    "logout": lambda: import_module("services.cli.login").logout,
    "assets": lambda: import_module("services.cli.assets").verbs,
    "users": lambda: import_module("services.cli.users").verbs,
    "tenants": lambda: import_module("services.cli.tenants").verbs,
    "assign": lambda: import_module("services.cli.assigning").assign,
    "undo": lambda: import_module("services.cli.assigning").undo,
    "revert": lambda: import_module("services.cli.assigning").revert,
    "audit": lambda: _group("Take the audit trail away, and verify it.", AUDIT_VERBS),
    "parked": lambda: import_module("services.cli.operating").parked,
    "resync": lambda: import_module("services.cli.operating").resync,
    "doctor": lambda: import_module("services.cli.operating").doctor,
}
"""The commands: functions, or groups of them."""

AUDIT_VERBS: dict[str, Callable[[], Any]] = {
    "export": lambda: import_module("services.cli.trail").export,
    "verify": lambda: verify,
    "acknowledge": lambda: import_module("services.cli.trail").acknowledge,
}
"""Those of ``audit``: one of them is the service's own, and needs no server."""


class _Commands(UserDict[str, Any]):
    """Commands that are made when they are asked for."""

    def __getitem__(self, name: str) -> Any:
        verb = self.data[name]()
        command = verb if isinstance(verb, TyperGroup) else get_command(_typer(name, verb))
        command.name = name
        return command


def _typer(name: str, verb: Any) -> typer.Typer:
    if isinstance(verb, typer.Typer):
        return verb
    alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    alone.command(name)(verb)
    return alone


def _group(
    about: str, verbs: dict[str, Callable[[], Any]], options: Callable[..., None] | None = None
) -> TyperGroup:
    """A group of commands; with options of its own, it is the whole program."""
    program = typer.Typer(add_completion=options is not None, rich_markup_mode="markdown")
    program.callback(help=about)(options or (lambda: None))
    group = get_command(program)
    assert isinstance(group, TyperGroup)
    group.commands = _Commands(verbs)
    return group


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"marquee {_version()}")
        raise typer.Exit


def _version() -> str:
    """Of the installed package; or of the checkout we run in."""
    try:
        return metadata.version("marquee")
    except metadata.PackageNotFoundError:
        text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8")
        return str(tomllib.loads(text)["project"]["version"])


def _about(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version."),
    ] = False,
) -> None:
    pass


_HELP = f"""Start the named services, or without names all of them, in one process; or run one of
the commands below. The services are {", ".join(SERVICES)}.

All commands but start, migrate, backup and restore talk to MARQUEE_URL with MARQUEE_TOKEN, or as
who signed in by login. They end with 0 when it is done, 1 if it was refused or failed, 2 if they
were used wrongly."""


def _names_a_verb(program: TyperGroup, arguments: list[str]) -> bool:
    """Whether the arguments begin with a command; a service's name alone means the service."""
    first, *rest = arguments
    if first not in SERVICES:
        return first in VERBS or first.startswith("-")
    named = program.commands.get(first)
    if not isinstance(named, TyperGroup):
        return False
    return bool(rest) and (rest[0] in named.commands or rest[0] == "--help")


def main() -> None:
    """The ``marquee`` command."""
    program, arguments = _group(_HELP, VERBS, _about), sys.argv[1:]
    if not arguments or not _names_a_verb(program, arguments):
        arguments = ["start", *arguments]
    if arguments[0] == "start":
        program(args=arguments)
    else:
        _speak(program, arguments)


def _speak(program: TyperGroup, arguments: list[str]) -> None:
    """Run a verb; whatever ends it is told in words."""
    complain = import_module("services.cli.output").complain
    try:
        program(args=arguments)
    except Failed as failed:
        complain(failed.text, *failed.more)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # the disk is full, say
        complain(f"{error}.")
    except Exception as error:
        if os.environ.get("MARQUEE_LOG_LEVEL") == "debug":
            raise
        complain(
            f"This is a fault of ours: {type(error).__name__}: {error}",
            "With MARQUEE_LOG_LEVEL=debug it says where.",
        )
    sys.exit(1)


if __name__ == "__main__":
    main()
