"""Finds users by what somebody typed: ids, or e-mail addresses."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from services.cli import words
from services.cli.account import read_secret
from services.cli.client import Client
from services.cli.failures import Failed
from services.cli.users import USERS

_ONE_BY_ONE = 20  # addresses; for more it is quicker to read the whole list
_MOST_TOLD = 20


def named(given: Sequence[str], file: Path | None) -> list[str]:
    """Who is named by arguments and in a file, each once: one on a line, ``#`` begins a comment."""
    lines = _lines(file) if file else []
    bare = (line.partition("#")[0].strip() for line in [*given, *lines])
    return list(dict.fromkeys(each for each in bare if each))


def _lines(file: Path) -> list[str]:
    text = sys.stdin.read() if str(file) == "-" else read_secret(file, "--file")
    return text.removeprefix("\ufeff").splitlines()


def identified(client: Client, names: Sequence[str]) -> dict[str, str]:
    """The id of each. Raises Failed, naming all who are neither an id nor an address known."""
    found = {name: str(UUID(name)) for name in names if _is_id(name)}
    addresses = [name for name in names if name not in found and "@" in name]
    found |= _by_address(client, addresses)
    if unknown := [name for name in names if name not in found]:
        more = len(unknown) - _MOST_TOLD
        raise Failed(
            f"{words.count(len(unknown), 'user')} cannot be found, so nothing was done:",
            *unknown[:_MOST_TOLD],
            *([f"and {more} more"] if more > 0 else []),
        )
    return found


def _by_address(client: Client, addresses: Sequence[str]) -> Mapping[str, str]:
    if len(addresses) > _ONE_BY_ONE:
        return _found(client, addresses, query=None)
    found: dict[str, str] = {}
    for address in addresses:
        found |= _found(client, [address], query=address)
    return found


def _found(client: Client, addresses: Iterable[str], query: str | None) -> dict[str, str]:
    """Read the list of users until all are found; addresses differ not by case alone."""
    sought = {address.lower(): address for address in addresses}
    found: dict[str, str] = {}
    for user in client.walk(USERS, query=query):
        if address := sought.pop(user["email"].lower(), None):
            found[address] = user["id"]
        if not sought:
            break
    return found


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
