"""``marquee tenants``: houses of their own in one installation, for who runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import words
from services.cli.client import Client, Json
from services.cli.login import read_password
from services.cli.options import All, Cursor, Limit, group
from services.cli.output import Columns, Output, Wanted, show, show_fields, show_table

TENANTS = "/api/admin/tenants"

verbs = group("Create and list tenants.")

_COLUMNS: Columns = {
    "ID": lambda tenant: tenant["id"],
    "Name": lambda tenant: tenant["name"],
    "Disabled": lambda tenant: tenant["disabled"],
    "Created": lambda tenant: words.moment(tenant["created_at"]),
}


@verbs.command("create")
def create(
    *,
    slug: Annotated[str, typer.Argument(metavar="ID", help="Its short name, for ever.")],
    admin_email: Annotated[
        str, typer.Option("--admin", metavar="EMAIL", help="Its first administrator.")
    ],
    name: Annotated[str | None, typer.Option(help="Its name; else the same as the id.")] = None,
    admin_name: Annotated[
        str | None,
        typer.Option(help="The administrator's name; else what the address begins with."),
    ] = None,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Ask for the administrator's password.")
    ] = False,
    password_file: Annotated[
        Path | None, typer.Option(help="Read it from this file; - is the standard input.")
    ] = None,
    output: Wanted = Output.TABLE,
) -> None:
    """Create a tenant and its first administrator.

    Without a password one is made up, and shown this once.
    """
    admin = {"email": admin_email, "name": admin_name or admin_email.partition("@")[0]}
    if ask_password or password_file:
        admin["password"] = read_password(password_file, "Password of the administrator")
    body = {"slug": slug, "name": name or slug, "admin": admin}
    tenant = Client.signed_in().post(TENANTS, body)
    show(output, tenant, lambda: show_fields(_created(tenant)))


@verbs.command("list")
def list_tenants(
    query: Annotated[str | None, typer.Option(help="Part of the id or name.")] = None,
    limit: Limit = 50,
    everything: All = False,
    cursor: Cursor = None,
    output: Wanted = Output.TABLE,
) -> None:
    """List tenants, newest first."""
    page = Client.signed_in().pages(
        TENANTS, limit=None if everything else limit, cursor=cursor, query=query
    )
    show(output, page, lambda: show_table(_COLUMNS, page["items"]))


def _created(tenant: Json) -> Json:
    told = {label: of(tenant) for label, of in _COLUMNS.items()}
    told["Administrator"] = tenant["admin"]["email"]
    if tenant["admin_password"]:
        told["Password"] = tenant["admin_password"]
    return told
