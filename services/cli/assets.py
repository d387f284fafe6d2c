"""``marquee assets``: videos and their conversions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import words
from services.cli.client import Client, Json, identifier
from services.cli.options import All, Cursor, Limit, Yes, confirm, group
from services.cli.output import Columns, Output, Wanted, say, show, show_fields, show_table
from services.cli.uploading import upload_all

ASSETS = "/api/admin/assets"

verbs = group("Upload videos, and look after their conversions.")

Asset = Annotated[str, typer.Argument(metavar="ASSET", help="The asset's id.")]


def _state(asset: Json) -> str:
    """How far an asset is, in a word or two."""
    if asset["deleted_at"]:
        return "deleted"
    if asset["conversion_status"] == "processing":
        return f"processing {asset['progress']} %"
    return str(asset["conversion_status"])


_COLUMNS: Columns = {
    "ID": lambda asset: asset["id"],
    "Title": lambda asset: asset["title"],
    "Status": _state,
    "Size": lambda asset: words.size(asset["size_bytes"]),
    "Length": lambda asset: words.duration(asset["duration_seconds"]),
    "Users": lambda asset: asset["active_assignment_count"],
    "Uploaded": lambda asset: words.moment(asset["created_at"]),
}


@verbs.command("upload")
def upload(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Videos.")],
    title: Annotated[
        str | None, typer.Option(help="What to call it, if it is one; else it is the file's name.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it is converted, or cannot be.")
    ] = False,
    output: Wanted = Output.TABLE,
) -> None:
    """Upload videos, to be converted.

    An upload that was interrupted, here or there, goes on where it stopped when the same command
    is given again within 24 hours.
    """
    if title is not None and len(files) > 1:
        raise typer.BadParameter("goes with one file only", param_hint="--title")
    outcomes = upload_all(Client.signed_in(), files, title, wait=wait)
    columns: Columns = {
        "File": lambda item: item["file"],
        "ID": lambda item: item["asset"] and item["asset"]["id"],
        "Status": lambda item: _state(item["asset"]) if item["asset"] else "not uploaded",
    }
    show(output, {"items": outcomes}, lambda: show_table(columns, outcomes))
    if any(item["error"] for item in outcomes):
        raise typer.Exit(1)


@verbs.command("list")
def list_assets(
    *,
    status: Annotated[
        str | None, typer.Option(help="Only pending, processing, completed or failed ones.")
    ] = None,
    query: Annotated[str | None, typer.Option(help="Part of the title or file name.")] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="The deleted ones instead.")] = False,
    limit: Limit = 50,
    everything: All = False,
    cursor: Cursor = None,
    output: Wanted = Output.TABLE,
) -> None:
    """List assets, newest first."""
    page = Client.signed_in().pages(
        ASSETS,
        limit=None if everything else limit,
        cursor=cursor,
        status=status,
        query=query,
        deleted="true" if deleted else None,
    )
    show(output, page, lambda: show_table(_COLUMNS, page["items"]))


@verbs.command("show")
def show_asset(
    asset: Asset,
    deleted: Annotated[bool, typer.Option("--deleted", help="Also if it is deleted.")] = False,
    output: Wanted = Output.TABLE,
) -> None:
    """Show an asset."""
    client = Client.signed_in()
    found = client.get(_path(asset), deleted="true" if deleted else None)
    show(output, found, lambda: show_fields(_fields(client, found)))


@verbs.command("retry")
def retry(asset: Asset, output: Wanted = Output.TABLE) -> None:
    """Convert an asset again whose conversion failed."""
    client = Client.signed_in()
    found = client.post(f"{_path(asset)}/retry-conversion")
    show(output, found, lambda: show_fields(_fields(client, found)))


@verbs.command("cancel")
def cancel(asset: Asset, output: Wanted = Output.TABLE) -> None:
    """Cancel a conversion that waits or runs."""
    client = Client.signed_in()
    found = client.post(f"{_path(asset)}/cancel-conversion")
    show(output, found, lambda: show_fields(_fields(client, found)))


@verbs.command("delete")
def delete(asset: Asset, yes: Yes = False, output: Wanted = Output.TABLE) -> None:
    """Delete an asset that nobody has; its files and its history are kept."""
    client = Client.signed_in()
    found = client.get(_path(asset))
    confirm(f"Delete {found['title']} ({found['id']})?", yes=yes)
    client.delete(_path(asset))
    gone = client.get(_path(asset), deleted="true")
    show(output, gone, lambda: say(f"Deleted {gone['title']} ({gone['id']})."))


def _path(asset: str) -> str:
    return f"{ASSETS}/{identifier(asset)}"


def _fields(client: Client, asset: Json) -> Json:
    told = {
        "ID": asset["id"],
        "Title": asset["title"],
        "File": f"{asset['filename']}, {words.size(asset['size_bytes'])}",
        "Status": _state(asset),
        "Error": asset["conversion_error"],
        "Picture": asset["width"] and f"{asset['width']} x {asset['height']}",
        "Length": words.duration(asset["duration_seconds"]),
        "SHA-256": asset["sha256"],
        "Uploaded": f"{words.moment(asset['created_at'])} by {words.plain(asset['created_by'])}",
        "Users": asset["active_assignment_count"],
        "Latest user": asset["user_id"],
    }
    for name in ("webm", "mp4", "gif", "thumbnail"):
        if path := asset[f"{name}_url"]:
            told[name] = client.url + path
    return {name: value for name, value in told.items() if value is not None}
