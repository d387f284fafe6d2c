"""``marquee audit``: taking the trail away as a file, and asking the server to verify it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from services.cli import words
from services.cli.client import Client, Json
from services.cli.failures import Failed
from services.cli.options import Yes, confirm
from services.cli.output import Output, Wanted, complain, say, show

AUDIT = "/api/admin/audit"


def export(
    *,
    file: Annotated[
        Path | None, typer.Argument(help="Where to write it; else the standard output.")
    ] = None,
    format_: Annotated[
        Literal["jsonl", "csv"],
        typer.Option("--format", help="jsonl can be verified; csv is for spreadsheets."),
    ] = "jsonl",
    user: Annotated[str | None, typer.Option(help="Only what concerns this user's id.")] = None,
    asset: Annotated[str | None, typer.Option(help="Only what concerns this asset's id.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, as `assigned`.")] = None,
    performed_by: Annotated[
        str | None, typer.Option("--by", help="Only what this person or key did, by id.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Nothing earlier.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Nothing later.")] = None,
) -> None:
    """Export the audit trail, or a part of it, with what proves it.

    A file appears only when all of it is there.
    """
    pieces = Client.signed_in().stream(
        f"{AUDIT}/export",
        format=format_,
        user_id=user,
        asset_id=asset,
        action=action,
        performed_by=performed_by,
        from_=since,
        to=until,
    )
    if file is None or str(file) == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    say(f"{file}: {words.size(_written(file, pieces))}")


def _written(file: Path, pieces: Iterable[bytes]) -> int:
    """Write a file beside, and put it in its place when it is whole; its bytes.

    What is there and no file, as a device or a pipe, is written to as it is.
    """
    file = file.resolve()
    in_place = file.exists() and not file.is_file()
    target = file if in_place else file.with_name(f".{file.name}.part")
    try:
        with target.open("wb") as opened:
            size = sum(map(opened.write, pieces))
        if not in_place:
            target.replace(file)
    except OSError as error:
        raise Failed(f"{file}: {error.strerror or error}.") from error
    finally:
        if not in_place:
            with suppress(OSError):
                target.unlink()
    return size


def verify_stored(output: Output) -> None:
    """Let the server verify all of its trail. Ends the command with 1 if it does not hold."""
    verified = Client.signed_in().get(f"{AUDIT}/verify")
    show(output, verified, lambda: _tell(verified))
    if not verified["ok"]:
        raise typer.Exit(1)


def acknowledge(
    *,
    reason: Annotated[str, typer.Option(help="Which backup was restored, and why.")],
    first_bad: Annotated[
        int | None, typer.Option(min=1, help="Only if the trail parts at this very entry.")
    ] = None,
    yes: Yes = False,
    output: Wanted = Output.TABLE,
) -> None:
    """Vouch that a part of the trail was lost because you restored an older backup.

    The trail goes on from there, and says for ever who vouched for it. If you do not know why
    entries are missing, keep your hands off it: what you see is evidence.
    """
    client = Client.signed_in()
    verified = client.get(f"{AUDIT}/verify")
    if verified["ok"]:
        raise Failed("The trail holds: nothing is missing.")
    if first_bad is None:
        _tell(verified)
        confirm("Was it lost because you restored a backup?", yes=yes)
        first_bad = verified["first_bad"]
    body = {"first_bad": first_bad, "reason": reason}
    told = client.post(f"{AUDIT}/restorations", body)
    show(output, told, lambda: typer.echo(_acknowledged(told)))


def _acknowledged(told: Json) -> str:
    lost = words.count(told["checkpoints"], "checkpoint", "checkpoints")
    return (
        f"The trail goes on after entry {told['after']}; entry {told['seq']} says why. "
        f"Of what was lost, up to entry {told['until']} at least, {lost} set aside."
    )


def _tell(verified: Json) -> None:
    entries = words.count(verified["entries"], "entry", "entries")
    if verified["ok"]:
        typer.echo(f"The trail holds: {entries}.")
        return
    place = f"entry {verified['first_bad']}"
    if verified["until"] not in (None, verified["first_bad"]):
        place = f"an entry from {verified['first_bad']} to {verified['until']}"
    complain(f"The trail does not hold ({entries}): {place} was {verified['reason']}.")
