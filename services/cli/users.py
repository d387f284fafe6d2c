"""``marquee users``: people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from services.cli import words
from services.cli.client import Client
from services.cli.login import read_password
from services.cli.options import All, Cursor, Limit, group
from services.cli.output import Columns, Output, Wanted, show, show_fields, show_table

USERS = "/api/admin/users"

verbs = group("Create and list people.")

FIELDS: Columns = {
    "ID": lambda user: user["id"],
    "E-mail": lambda user: user["email"],
    "Name": lambda user: user["name"],
    "Role": lambda user: user["role"],
    "Disabled": lambda user: user["disabled"],
    "Created": lambda user: words.moment(user["created_at"]),
}


@verbs.command("create")
def create(
    *,
    email: Annotated[str, typer.Argument(help="The e-mail address.")],
    name: Annotated[
        str | None, typer.Option(help="The name; else what the address begins with.")
    ] = None,
    role: Annotated[Literal["user", "admin"], typer.Option(help="What they may do.")] = "user",
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Ask for a password, to sign in with.")
    ] = False,
    password_file: Annotated[
        Path | None, typer.Option(help="Read it from this file; - is the standard input.")
    ] = None,
    output: Wanted = Output.TABLE,
) -> None:
    """Create a user. Without a password nobody can sign in as them."""
    body = {"email": email, "name": name or email.partition("@")[0], "role": role}
    if ask_password or password_file:
        body["password"] = read_password(password_file, "Password of the new user")
    user = Client.signed_in().post(USERS, body)
    show(output, user, lambda: show_fields({label: of(user) for label, of in FIELDS.items()}))


@verbs.command("list")
def list_users(
    query: Annotated[str | None, typer.Option(help="Part of the address or name.")] = None,
    limit: Limit = 50,
    everyone: All = False,
    cursor: Cursor = None,
    output: Wanted = Output.TABLE,
) -> None:
    """List users, newest first."""
    page = Client.signed_in().pages(
        USERS, limit=None if everyone else limit, cursor=cursor, query=query
    )
    show(output, page, lambda: show_table(FIELDS, page["items"]))
