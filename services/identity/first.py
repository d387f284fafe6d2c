"""The first administrator, without whom nobody could sign in."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import structlog

from services.identity import commands
from services.identity.settings import IdentitySettings
from shared.db import Database
from shared.runtime.keys import write_secret

log = structlog.get_logger()


async def ensure_first_administrator(
    database: Database, settings: IdentitySettings, data_dir: Path
) -> None:
    """Create an administrator if there is nobody yet, and tell the operator the password.

    A generated password is shown once on a terminal, else written to a file only we can read.
    """
    if await commands.anybody(database):
        return
    given = settings.admin_password
    password = given.get_secret_value() if given else secrets.token_urlsafe(12)
    if not await commands.create_first_administrator(database, settings.admin_email, password):
        return
    log.info("first_administrator_created", email=settings.admin_email)
    if given is None:
        _tell(settings.admin_email, password, data_dir)


def _tell(email: str, password: str, data_dir: Path) -> None:
    if sys.stdout.isatty():
        print(f"\n  Sign in as {email} with the password {password}\n", flush=True)
        return
    path = data_dir / "admin-password"
    data_dir.mkdir(parents=True, exist_ok=True)
    write_secret(path, password)
    log.info("first_administrator_password_written", path=str(path.absolute()))
