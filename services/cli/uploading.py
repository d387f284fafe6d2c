"""Uploads files one after the other, and follows their conversions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from services.cli import words
from services.cli.client import Client, Json, identifier
from services.cli.failures import Failed, Refused, Unreachable
from services.cli.following import Bar, follow, uploads
from services.cli.output import complain, say
from services.cli.tus import Film, Upload


def upload_all(
    client: Client, files: Sequence[Path], title: str | None, *, wait: bool
) -> list[Json]:
    """Upload files; for each, its ``asset`` or the ``error``. What fails does not stop the others.

    Only a server that is away, or does not let us in, does.
    """
    outcomes: list[Json] = []
    stopped: Failed | None = None
    with uploads() as bars:
        for path in files:
            try:
                if stopped:
                    raise Failed(f"{path.name}: not tried.")
                film = Film.of(path, title)
                asset = _uploaded(client, film, bars.add(path.name, film.size))
                outcomes.append(_outcome(path, asset))
            except Failed as failure:
                complain(_about(path, failure), *failure.more)
                outcomes.append(_outcome(path, None, failure))
                stopped = stopped or (failure if _stops(failure) else None)
    return _followed(client, outcomes) if wait else outcomes


def _uploaded(client: Client, film: Film, bar: Bar) -> Json:
    name, started = film.path.name, time.monotonic()

    def began(offset: int) -> None:
        bar.begin(offset)
        done = f", going on at {100 * offset // film.size} %" if offset else ""
        say(f"{name}: {words.size(film.size)}{done}")

    try:
        asset_id = Upload(client, film, began, bar.move).run()
    except KeyboardInterrupt:
        say(f"{name}: stopped; the same command goes on from here.")
        raise
    asset = client.get(f"/api/admin/assets/{identifier(asset_id)}")
    if asset["sha256"] != film.sha256():
        raise Failed(
            f"{name} was changed while it was uploaded.",
            f"Asset {asset_id} is not what the file holds now: delete it, and upload again.",
        )
    say(f"{name}: uploaded in {words.duration(time.monotonic() - started)} as asset {asset_id}")
    return asset


def _followed(client: Client, outcomes: Sequence[Json]) -> list[Json]:
    assets = follow(client, [item["asset"] for item in outcomes if item["asset"]])
    latest = {asset["id"]: asset for asset in assets}
    return [
        {**item, "asset": now, "error": item["error"] or _conversion_error(now)}
        if item["asset"] and (now := latest[item["asset"]["id"]])
        else item
        for item in outcomes
    ]


def _conversion_error(asset: Json) -> Json | None:
    if asset["conversion_status"] != "failed":
        return None
    return {"code": asset["conversion_error_code"], "detail": asset["conversion_error"]}


def _outcome(path: Path, asset: Json | None, failure: Failed | None = None) -> Json:
    error = None
    if failure:
        code = failure.code if isinstance(failure, Refused) else None
        error = {"code": code, "detail": failure.text}
    return {"file": str(path), "asset": asset, "error": error}


def _about(path: Path, failure: Failed) -> str:
    return failure.text if path.name in failure.text else f"{path.name}: {failure.text}"


def _stops(failure: Failed) -> bool:
    """Whether no other file would fare better."""
    if isinstance(failure, Refused):
        return failure.status in (401, 403)
    return isinstance(failure, Unreachable)
