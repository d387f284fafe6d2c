"""Where the commands talk to and as whom: the environment, and logins that were stored.

A login is kept in a file that only its owner can read, beside the address it is for, so that its
token is sent nowhere else. It is a session's token, which ends after some hours; a key that lasts
belongs into ``MARQUEE_TOKEN`` or ``MARQUEE_TOKEN_FILE``, which win over a login.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer

from services.cli.failures import Failed

URL = "MARQUEE_URL"
TOKEN = "MARQUEE_TOKEN"  # noqa: S105 - the name of a variable
DEFAULT_URL = "http://127.0.0.1:8080"


def address() -> str:
    """The gateway's address, without a slash at its end. Refuses what is no address."""
    given = os.environ.get(URL, "").strip() or DEFAULT_URL
    if not _is_address(given):
        raise typer.BadParameter(f"takes an address such as {DEFAULT_URL}", param_hint=URL)
    return given.rstrip("/")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        whole = bool(parts.hostname) and not (parts.query or parts.username or parts.port == 0)
    except ValueError:
        return False
    return whole and parts.scheme in ("http", "https")


def secret(variable: str) -> str | None:
    """What a variable holds, or the file that ``..._FILE`` names. Raises Failed."""
    if text := os.environ.get(variable, "").strip():
        return text
    if not (path := os.environ.get(f"{variable}_FILE")):
        return None
    return read_secret(Path(path), f"{variable}_FILE")


def read_secret(path: Path, what: str) -> str:
    """The text in a file. Raises Failed, naming what the file was to be."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{what}: cannot read {path}: {error}") from error


def token(url: str) -> str:
    """What to show at an address. Refuses if there is nothing, or what no header can hold."""
    found = secret(TOKEN) or _stored(url)
    if not (found.isascii() and found.isprintable()) or " " in found:
        raise typer.BadParameter("is not a token", param_hint=TOKEN)
    return found


def _stored(url: str) -> str:
    login = _logins().get(url)
    if login is None:
        raise Failed(
            f"Nobody is signed in at {url}.",
            "Sign in with `marquee login`, or set MARQUEE_TOKEN.",
        )
    if login["expires_at"] <= time.time():
        raise Failed(f"The login at {url} has ended.", "Sign in again with `marquee login`.")
    return str(login["token"])


def remember(url: str, given: str, *, email: str, lasts: float) -> Path:
    """Store a login for an address, in place of the one before."""
    logins = _logins() | {
        url: {"token": given, "email": email, "expires_at": round(time.time() + lasts)}
    }
    keep_json(_file(), logins)
    return _file()


def stored(url: str) -> str | None:
    """The token of the login that is stored for an address, also if it has ended."""
    login = _logins().get(url)
    return str(login["token"]) if login else None


def forget(url: str) -> None:
    """Remove the login for an address."""
    logins = _logins()
    if logins.pop(url, None):
        keep_json(_file(), logins)


def keep_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file that only its owner can read, whole or not at all. Raises Failed."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # mode 0600
            json.dump(content, file)
        Path(file.name).replace(path)
    except OSError as error:
        raise Failed(f"Cannot write {path}: {error}") from error


def read_json(path: Path) -> dict[str, Any] | None:
    """What ``keep_json`` wrote; None if it is not there or not readable as such."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def state_directory() -> Path:
    """Where to keep what is under way."""
    return _base("XDG_STATE_HOME", ".local/state")


def _logins() -> dict[str, Any]:
    return read_json(_file()) or {}


def _file() -> Path:
    return _base("XDG_CONFIG_HOME", ".config") / "logins.json"


def _base(variable: str, usual: str) -> Path:
    given = os.environ.get(variable)
    return (Path(given) if given else Path.home() / usual) / "marquee"
