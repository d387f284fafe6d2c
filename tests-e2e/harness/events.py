"""What was announced of an asset, as the polling front end reads it."""

from __future__ import annotations

from harness.client import Client, Json
from harness.waiting import eventually

ONCE = sorted(
    [
        *("converter.asset.uploaded", "processing", "completed"),
        *("thumbnail", "mp4", "gif", "poster_best", "webm"),
    ]
)


async def announced(client: Client, ident: str) -> list[str]:
    """The steps and renditions of a conversion, sorted."""
    page = await client.get("/api/admin/events", since=0, limit=500)
    events = [event for event in page["events"] if event["data"].get("asset_id") == ident]
    return sorted(map(_name, events))


def _name(event: Json) -> str:
    data = event["data"]
    return str(data.get("rendition") or data.get("status") or event["type"])


async def check_once(client: Client, ident: str) -> None:
    """Each step and each rendition was announced exactly once, whatever died in between."""

    async def told() -> None:
        assert await announced(client, ident) == ONCE

    await eventually(told, within=2)
