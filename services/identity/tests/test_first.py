"""The generated password reaches the operator, and nobody else."""

from __future__ import annotations

from pathlib import Path

from services.identity import commands
from services.identity.first import ensure_first_administrator
from services.identity.settings import IdentitySettings
from shared.testing.fixtures import OpenDatabases


async def test_a_generated_password_is_kept_in_a_file_only_we_can_read(
    databases: OpenDatabases, tmp_path: Path
) -> None:
    database = (await databases("identity"))["identity"]

    await ensure_first_administrator(database, IdentitySettings(), tmp_path)

    path = tmp_path / "admin-password"
    assert path.stat().st_mode & 0o777 == 0o600
    password = path.read_text().strip()
    assert (await commands.log_in(database, "admin@example.com", password))["role"] == "admin"


async def test_a_second_start_changes_nothing(databases: OpenDatabases, tmp_path: Path) -> None:
    database = (await databases("identity"))["identity"]
    await ensure_first_administrator(database, IdentitySettings(), tmp_path)
    password = (tmp_path / "admin-password").read_text()

    await ensure_first_administrator(database, IdentitySettings(), tmp_path)

    assert (tmp_path / "admin-password").read_text() == password
