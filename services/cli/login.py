"""Signing in and out."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from services.cli import account
from services.cli.client import Client, parsed
from services.cli.failures import Failed, Refused
from services.cli.options import ask
from services.cli.output import say

_PASSWORD = "MARQUEE_PASSWORD"  # noqa: S105 - the name of a variable

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file", help="Read the password from this file; - is the standard input."
    ),
]


def login(
    email: Annotated[
        str | None, typer.Argument(envvar="MARQUEE_ADMIN_EMAIL", help="Who you are.")
    ] = None,
    password_file: PasswordFile = None,
    print_token: Annotated[
        bool,
        typer.Option("--print", help="Write the token to the standard output; store nothing."),
    ] = False,
) -> None:
    """Sign in at MARQUEE_URL, so that the other commands need no MARQUEE_TOKEN.

    The password is asked for, unless it comes from --password-file, MARQUEE_PASSWORD or
    MARQUEE_PASSWORD_FILE. What is stored, in a file that only you can read, is the token of a
    session: it ends after some hours, or with `marquee logout`.
    """
    url = account.address()
    email = email or ask("E-mail:")
    if password_file is None and (given := account.secret(_PASSWORD)):
        password = given
    else:
        password = read_password(password_file, "Password")
    client = Client(url)
    try:
        answer = parsed(
            client.send("POST", "/api/auth/login", body={"email": email, "password": password})
        )
    except Refused as refused:
        if refused.status == 401:
            raise Failed(f"{url} does not know this address with this password.") from None
        raise
    if print_token:
        typer.echo(answer["access_token"])
        return
    path = account.remember(
        url, answer["access_token"], email=answer["user"]["email"], lasts=answer["expires_in"]
    )
    say(f"Signed in at {url} as {answer['user']['email']}; kept in {path}.")
    if os.environ.get(account.TOKEN) or os.environ.get(f"{account.TOKEN}_FILE"):
        say(f"{account.TOKEN} is set and goes first: unset it to use this login.")


def logout() -> None:
    """Sign out at MARQUEE_URL: the stored token is worth nothing from now on."""
    url = account.address()
    token = account.stored(url)
    if token is None:
        say(f"Nobody is signed in at {url}.")
        return
    try:
        Client(url, token).send("POST", "/api/auth/logout")
    except Refused as refused:
        if refused.status != 401:  # else it has ended by itself
            raise
    account.forget(url)
    say(f"Signed out at {url}.")


def read_password(path: Path | None, prompt: str) -> str:
    """The first line of a file, or of the standard input; on a terminal, it is asked for."""
    if path is not None and str(path) != "-":
        return account.read_secret(path, "--password-file")
    if path is None and sys.stdin.isatty():
        return getpass(f"{prompt}: ")
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Failed("No password came on the standard input.")
    return line
