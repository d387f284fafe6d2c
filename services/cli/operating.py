"""``marquee parked``, ``resync`` and ``doctor``: for whoever runs an installation."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated

import typer

from services.cli import words
from services.cli.client import Client, Json, identifier
from services.cli.options import All, Cursor, DryRun, Limit, Yes, asks, confirm, group
from services.cli.output import (
    Columns,
    Output,
    Wanted,
    complain,
    show,
    show_fields,
    show_table,
)

PARKED = "/api/admin/parked"
DOCTOR = "/api/admin/doctor"

parked = group("Look at messages that could not be handled, and replay them.")

Message = Annotated[str, typer.Argument(metavar="MESSAGE", help="The parked message's id.")]

_COLUMNS: Columns = {
    "ID": lambda message: message["id"],
    "Queue": lambda message: message["queue"],
    "Event": lambda message: message["event_type"],
    "Parked": lambda message: words.moment(message["parked_at"]),
    "Attempts": lambda message: message["attempts"],
    "Replays": lambda message: message["replays"],
    "Error": lambda message: message["error_class"],
}


@parked.command("list")
def list_parked(
    queue: Annotated[str | None, typer.Option(help="Only those of this queue.")] = None,
    limit: Limit = 50,
    everything: All = False,
    cursor: Cursor = None,
    output: Wanted = Output.TABLE,
) -> None:
    """List parked messages, newest first."""
    client = Client.signed_in()
    page = client.pages(PARKED, limit=None if everything else limit, cursor=cursor, queue=queue)
    show(output, page, lambda: show_table(_COLUMNS, page["items"]))
    _tell_missing(page.get("missing", []))


@parked.command("show")
def show_parked(message: Message, output: Wanted = Output.TABLE) -> None:
    """Show a parked message: what it says, and why it could not be handled."""
    found = Client.signed_in().get(f"{PARKED}/{identifier(message)}")
    show(output, found, lambda: show_fields(_fields(found)))


@parked.command("replay")
def replay(
    messages: Annotated[
        list[str] | None, typer.Argument(metavar="[MESSAGE]...", help="Parked messages' ids.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option(help="All that are parked in this queue, in their order.")
    ] = None,
    output: Wanted = Output.TABLE,
) -> None:
    """Put parked messages back into their queues, each once."""
    if bool(messages) == bool(queue):
        raise typer.BadParameter("name messages, or a --queue of them", param_hint="MESSAGE")
    client = Client.signed_in()
    if queue:
        messages = [each["id"] for each in client.walk(PARKED, queue=queue)][::-1]
    done = [client.post(f"{PARKED}/{identifier(each)}/replay") for each in messages or []]
    columns: Columns = {name: itemgetter(key) for name, key in _REPLAYED.items()}
    show(output, {"items": done}, lambda: show_table(columns, done))


_REPLAYED = {"ID": "id", "Queue": "queue", "Outcome": "outcome", "By": "replayed_by"}


def resync(
    consumer: Annotated[str, typer.Argument(help="The service: assignment, audit, converter.")],
    output: Wanted = Output.TABLE,
) -> None:
    """Have a service told again what it must know of the others' things.

    For a database that was restored, or a service that came later.
    """
    told = Client.signed_in().post("/api/admin/resync", {"consumer": consumer})
    columns: Columns = {
        "From": lambda each: each["service"],
        "What": lambda each: each["kind"],
        "Count": lambda each: each["count"],
    }
    show(output, told, lambda: show_table(columns, told["told"]))


def doctor(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be repaired, too.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Repair only what has this code.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Wanted = Output.TABLE,
) -> None:
    """Look for what should not be: rows that contradict each other, work that nobody does.

    Ends with 1 if something was found that is not repaired.
    """
    client = Client.signed_in()
    if not (repair or dry_run):
        found = client.get(DOCTOR)
        show(output, found, lambda: _tell_findings(found["findings"]))
        _end(found["findings"], found["unchecked"])
        return
    if not dry_run and asks(yes=yes):
        _tell_findings(client.get(DOCTOR)["findings"])
        confirm("Repair what can be repaired?", yes=yes)
    done = client.post(DOCTOR, {"dry_run": dry_run} | ({"codes": only} if only else {}))
    show(output, done, lambda: _tell_repaired(done))
    _end(done["left"], done["unchecked"])


def _end(left: list[Json], unchecked: list[str]) -> None:
    _tell_missing(unchecked)
    if left or unchecked:
        raise typer.Exit(1)


def _tell_missing(services: list[str]) -> None:
    if services:
        complain(f"Not all could be asked: {', '.join(services)} did not answer.")


def _tell_findings(findings: list[Json]) -> None:
    if not findings:
        typer.echo("Nothing is wrong.")
    for each in findings:
        lines = [each["detail"], *(f"- {example}" for example in each["examples"])]
        if each["repairable"]:
            lines.append(f"marquee doctor --repair --only {each['code']}: {each['repair'] or ''}")
        typer.echo(words.plain(f"{each['service']}: {each['title']} ({each['count']})"))
        for line in lines:
            typer.echo(f"  {words.plain(line)}")


def _tell_repaired(done: Json) -> None:
    for each in done["repaired"]:
        typer.echo(words.plain(f"{each['service']}: {each['detail']} ({each['count']})"))
    if not done["repaired"]:
        typer.echo("There was nothing to repair.")
    if done["left"]:
        _tell_findings(done["left"])


def _fields(message: Json) -> Json:
    told = {name: of(message) for name, of in _COLUMNS.items()}
    told |= {"Why": message["error"], "About": message["subject"], "Tenant": message["tenant"]}
    headers = message["headers"].items()
    told |= {"Headers": "; ".join(f"{name}: {value}" for name, value in headers)}
    return told | {"Body": message["body"]}
