"""Starts services in this process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import typer

from services import SERVICES
from shared.db.embedded import AlreadyRunning, PostgresFailed
from shared.db.migrate import Schema, SchemaTooNew
from shared.runtime.logs import configure_logs
from shared.runtime.parts import Module
from shared.runtime.runner import run_until_stopped
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import RuntimeSettings, SettingsError

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


def run(names: Sequence[str]) -> None:
    """Run the named services until the process is stopped; without names, all of them."""
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
