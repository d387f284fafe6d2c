"""``python -m services [name ...]``: the named services in one process; without names, all.

Also the verbs of the ``marquee`` command, as ``python -m services audit verify FILE``. Where a
name is both, as ``audit`` is, it takes the name of a verb behind it to mean the verb.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_command

from shared.db.embedded import AlreadyRunning, PostgresFailed
from shared.db.migrate import Schema, SchemaTooNew
from shared.runtime.logs import configure_logs
from shared.runtime.parts import Module
from shared.runtime.runner import run_until_stopped
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import RuntimeSettings, SettingsError

_HERE = Path(__file__).parent


def _module(name: str, *, package: str | None = None, build: str = "build") -> Module:
    """A module whose code is imported only when it is built."""
    package = package or name
    migrations = _HERE / package / "migrations"

    def build_service(runtime: Runtime) -> Service:
        factory: Callable[[Runtime], Service] = getattr(
            import_module(f"services.{package}.service"), build
        )
        return factory(runtime)

    return Module(name, build_service, Schema(package, migrations) if migrations.is_dir() else None)


MODULES = {
    module.name: module
    for module in (
        _module("gateway"),
        _module("identity"),
        _module("converter"),
        _module("converter-worker", package="converter", build="build_worker"),
        _module("assignment"),
        _module("audit"),
        _module("notifier"),
    )
}
"""Everything a process can run."""

ALL = tuple(name for name in MODULES if name != "converter-worker")
"""What runs when no names are given; ``converter`` works as well as it takes uploads."""


def start(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help=f"Which services to run: {', '.join(MODULES)}."),
    ] = None,
) -> None:
    """Start the named services in one process; without names, all of them.

    Settings are environment variables that begin with MARQUEE_; see the README.
    """
    unknown = [name for name in names or [] if name not in MODULES]
    if unknown:
        raise typer.BadParameter(f"no such service: {', '.join(unknown)}", param_hint="NAME")
    try:
        settings = RuntimeSettings.load()
        configure_logs(settings)
        _run([MODULES[name] for name in names or ALL], settings)
    except (SettingsError, AlreadyRunning, PostgresFailed, SchemaTooNew) as error:
        typer.echo(f"marquee: {error}", err=True)
        sys.exit(1)


def _run(modules: list[Module], settings: RuntimeSettings) -> None:
    try:
        import uvloop  # noqa: PLC0415 - not there on every platform
    except ImportError:
        asyncio.run(run_until_stopped(modules, settings))
    else:
        uvloop.run(run_until_stopped(modules, settings))


def verify_export(
    file: Annotated[Path, typer.Argument(help="An export in JSON lines.")],
    key: Annotated[
        str,
        typer.Option(help="The public key of /.well-known/audit-key, in base64, or a file of it."),
    ],
) -> None:
    """Verify an exported trail, without database or network.

    Exits with 0 if it holds, with 1 after naming the first bad line, with 2 if it cannot be read.
    """
    verify = import_module("services.audit.cli").verify
    raise typer.Exit(verify(file, key))


def _program() -> TyperGroup:
    """All commands; the code of each is imported when it is run."""
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    program.callback(
        help="Start the named services, or without names all of them, in one process; or run one "
        f"of the commands below. The services are {', '.join(MODULES)}."
    )(lambda: None)
    program.command()(start)
    audit = typer.Typer(help="What can be done with the audit trail.")
    audit.callback()(lambda: None)  # without one, a lone command would stand for its group
    audit.command("verify")(verify_export)
    program.add_typer(audit, name="audit")
    group = get_command(program)
    assert isinstance(group, TyperGroup)
    return group


def _names_a_verb(program: TyperGroup, arguments: list[str]) -> bool:
    """Whether the arguments begin with a command; a service's name alone means the service."""
    first, *rest = arguments
    named = program.commands.get(first)
    if first not in MODULES or not isinstance(named, TyperGroup):
        return named is not None or first == "--help"
    return bool(rest) and (rest[0] in named.commands or rest[0] == "--help")


def main() -> None:
    """The ``marquee`` command."""
    program, arguments = _program(), sys.argv[1:]
    if not arguments or not _names_a_verb(program, arguments):
        arguments = ["start", *arguments]
    program(args=arguments)


if __name__ == "__main__":
    main()
