"""``marquee assign``, ``undo`` and ``revert``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from services.cli import words
from services.cli.client import Client, Json, identifier
from services.cli.failures import Failed, Refused
from services.cli.options import DryRun, Yes, asks, confirm
from services.cli.output import Output, Wanted, say, show
from services.cli.people import identified, named

OPERATIONS = "/api/admin/operations"

_MOST_TOLD = 20

What = Annotated[
    str,
    typer.Argument(
        metavar="OPERATION|ASSET", help="An operation's id, or an asset's: then its newest one."
    ),
]


def assign(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="The asset's id.")],
    users: Annotated[
        list[str] | None, typer.Argument(metavar="[USER]...", help="E-mail addresses, or ids.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="A file of users, one on a line; - is the standard input."),
    ] = None,
    output: Wanted = Output.TABLE,
) -> None:
    """Assign an asset to users, in place of what they have: to all of them, or to none.

    It can be undone within 30 seconds; the answer names the operation.
    """
    names = named(users or [], file)
    if not names:
        raise typer.BadParameter("name at least one, or a --file of them", param_hint="USER")
    client = Client.signed_in()
    ids = identified(client, names)
    if len(set(ids.values())) == 1:
        result = client.post(
            f"/api/admin/assets/{identifier(asset)}/assign", {"user_id": ids[names[0]]}
        )
        show(output, result, lambda: _tell_assigned(result, names[0]))
        return
    result = _bulk(client, asset, ids)
    show(output, result, lambda: _tell_bulk(result))


def _bulk(client: Client, asset: str, ids: Mapping[str, str]) -> Json:
    body = {"asset_id": asset, "user_ids": list(dict.fromkeys(ids.values()))}
    try:
        return client.post("/api/admin/assets/bulk-assign", body)
    except Refused as refused:
        refused.more = [*_failures(refused, ids), *refused.more]
        raise


def _failures(refused: Refused, ids: Mapping[str, str]) -> Sequence[str]:
    """Who stood against it, as they were named."""
    names = {ident: name for name, ident in ids.items()}
    failures = refused.problem.get("failures") or []
    told = [
        f"{names.get(each['user_id'], each['user_id'])}: {each.get('detail', each['error'])}"
        for each in failures[:_MOST_TOLD]
    ]
    more = len(failures) - _MOST_TOLD
    return [*told, f"and {more} more"] if more > 0 else told


def undo(
    what: What, dry_run: DryRun = False, yes: Yes = False, output: Wanted = Output.TABLE
) -> None:
    """Undo an assignment within 30 seconds: everybody gets back what they had before.

    Whoever has been given something else since keeps it.
    """
    client = Client.signed_in()
    path = f"{OPERATIONS}/{_operation(client, what)}/undo"
    _take_back(client, path, None, dry_run=dry_run, yes=yes, output=output)


def revert(
    operation: Annotated[str, typer.Argument(help="The operation's id.")],
    reason: Annotated[str | None, typer.Option(help="Why; it is kept in the trail.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Wanted = Output.TABLE,
) -> None:
    """Revert an operation, however old, once it cannot be undone any more."""
    path = f"{OPERATIONS}/{identifier(operation)}/revert"
    _take_back(
        Client.signed_in(), path, {"reason": reason}, dry_run=dry_run, yes=yes, output=output
    )


def _take_back(
    client: Client, path: str, body: Json | None, *, dry_run: bool, yes: bool, output: Output
) -> None:
    if dry_run or asks(yes=yes):
        plan = client.post(path, body, dry_run="true")
        if dry_run:
            show(output, plan, lambda: _tell_undone(plan))
            return
        confirm(f"{plan['message']} Go on?", yes=yes)
    done = client.post(path, body)
    show(output, done, lambda: _tell_undone(done))


def _operation(client: Client, what: str) -> str:
    """The operation of this id; or the newest on the asset of this id that can be undone."""
    try:
        return str(client.get(f"{OPERATIONS}/{identifier(what)}")["id"])
    except Refused as refused:
        if refused.status != 404:
            raise
    try:
        client.get(f"/api/admin/assets/{identifier(what)}", deleted="true")
    except Refused as refused:
        if refused.status != 404:
            raise
        raise Failed(f"{what} is neither an operation nor an asset.") from None
    for operation in client.walk(OPERATIONS):
        if operation["asset_id"] == what.lower() and _takes_back(operation):
            return str(operation["id"])
        if _age(operation) > 60:
            break
    raise Failed(
        "Nothing was assigned of this asset in the last 30 seconds that could be undone.",
        "What is older can be reverted: `marquee revert OPERATION`.",
    )


def _takes_back(operation: Json) -> bool:
    return operation["status"] == "completed" and operation["undo_expires_at"] is not None


def _age(operation: Json) -> float:
    """Seconds since it was done, by the server's clock."""
    now, then = (datetime.fromisoformat(operation[k]) for k in ("server_time", "performed_at"))
    return (now - then).total_seconds()


def _tell_assigned(assignment: Json, name: str) -> None:
    if assignment["unchanged"]:
        typer.echo(words.plain(f"{name} has it already; nothing was changed."))
        return
    typer.echo(words.plain(f"{name} has asset {assignment['asset_id']}."))
    _tell_window(assignment)


def _tell_bulk(result: Json) -> None:
    unchanged = result["unchanged_count"]
    had = f"; {words.count(unchanged, 'user')} had it already" if unchanged else ""
    typer.echo(f"Assigned to {words.count(result['successful_count'], 'user')}{had}.")
    _tell_window(result)


def _tell_window(result: Json) -> None:
    typer.echo(f"Operation {result['operation_id']}")
    if result["undo_expires_at"]:
        say(f"It can be undone within 30 seconds: marquee undo {result['operation_id']}")


def _tell_undone(result: Json) -> None:
    typer.echo(words.plain(result["message"]))
    for each in result["restored"][:_MOST_TOLD]:
        back = f"has {each['asset_id']}" if each["asset_id"] else "has nothing"
        why = f" ({each['reason']})" if each.get("reason") else ""
        typer.echo(f"  user {each['user_id']} {back}{why}")
    for each in result["skipped"][:_MOST_TOLD]:
        typer.echo(f"  user {each['user_id']} is left alone: {each['reason']}")
    more = sum(max(len(result[kind]) - _MOST_TOLD, 0) for kind in ("restored", "skipped"))
    if more:
        typer.echo(f"  and {more} more; --output json lists all")
