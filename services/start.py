"""Starts services in this process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from services import SERVICES
from shared import tracing
from shared.blobs.port import StorageUnavailable
from shared.db import DATABASE_ERRORS
from shared.db.embedded import AlreadyRunning, PostgresFailed
from shared.db.migrate import MigrationFailed, Schema, SchemaTooNew
from shared.runtime.logs import configure_logs
from shared.runtime.parts import BUS_SCHEMA, Module, migrate_all, schemas_of
from shared.runtime.runner import run_until_stopped
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import RuntimeSettings, SettingsError
from shared.tracing import TracingUnavailable

if TYPE_CHECKING:
    from shared.backup.manifest import Manifest

_HERE = Path(__file__).parent


def _module(name: str, where: str) -> Module:
    """A module whose code is imported only when it is built."""
    package, _, build = where.partition(":")
    migrations = _HERE / package / "migrations"

    def build_service(runtime: Runtime) -> Service:
        factory: Callable[[Runtime], Service] = getattr(
            import_module(f"services.{package}.service"), build
        )
        return factory(runtime)

    return Module(name, build_service, Schema(package, migrations) if migrations.is_dir() else None)


MODULES = {name: _module(name, where) for name, where in SERVICES.items()}
"""Everything a process can run."""

ALL = tuple(name for name in MODULES if name != "converter-worker")
"""What runs when no names are given; ``converter`` works as well as it takes uploads."""


_TOLD_PLAINLY = (SettingsError, SchemaTooNew, MigrationFailed, TracingUnavailable)
"""What ends a start with a message for an operator: no bug."""


def run(names: Sequence[str]) -> None:
    """Run the named services until the process is stopped; without names, all of them."""
    try:
        settings = RuntimeSettings.load()
        configure_logs(settings)
        with tracing.exporting("-".join(["marquee", *names])):
            _run([MODULES[name] for name in names or ALL], settings)
    except (*_TOLD_PLAINLY, AlreadyRunning, PostgresFailed) as error:
        typer.echo(f"marquee: {error}", err=True)
        sys.exit(1)


def _run(modules: list[Module], settings: RuntimeSettings) -> None:
    try:
        import uvloop  # noqa: PLC0415 - not there on every platform
    except ImportError:
        asyncio.run(run_until_stopped(modules, settings))
    else:
        uvloop.run(run_until_stopped(modules, settings))


def migrate() -> None:
    """Bring the schemas of all services up to date, and end."""
    try:
        settings = RuntimeSettings.load()
        configure_logs(settings)
        asyncio.run(migrate_all(settings, list(MODULES.values())))
    except (*_TOLD_PLAINLY, *DATABASE_ERRORS) as error:
        typer.echo(f"marquee: {error}", err=True)
        sys.exit(1)


def backup(directory: Path) -> None:
    """Back up the database and the store into a directory, and end."""
    from shared.backup.making import back_up  # noqa: PLC0415 - only where it is used

    _keep("Backed up", partial(back_up, directory=directory))


def restore(directory: Path, *, database_only: bool) -> None:
    """Put a backup back where nothing is yet, and end."""
    from shared.backup.restoring import put_back  # noqa: PLC0415

    _keep("Restored", partial(put_back, directory=directory, database_only=database_only))


def _keep(
    done: str, work: Callable[[RuntimeSettings, Sequence[Schema]], Coroutine[Any, Any, Manifest]]
) -> None:
    """Do it with every schema there may be, and say what came of it."""
    from shared.backup.manifest import BackupFailed  # noqa: PLC0415

    schemas = [*schemas_of(list(MODULES.values())), BUS_SCHEMA]
    plainly = (*_TOLD_PLAINLY, AlreadyRunning, PostgresFailed, BackupFailed, StorageUnavailable)
    try:
        settings = RuntimeSettings.load()
        configure_logs(settings)
        manifest = asyncio.run(work(settings, schemas))
    except plainly as error:
        typer.echo(f"marquee: {error}", err=True)
        sys.exit(1)
    except DATABASE_ERRORS as error:
        typer.echo(f"marquee: {type(error).__name__}: {error}", err=True)
        sys.exit(1)
    typer.echo(f"{done}: {manifest}")
