"""More than any database need hold, to see how a page bears it: assets, and a very long trail."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Page, Route

ASSETS, ENTRIES = 10_000, 100_000

Made = dict[str, object]


async def plenty_of_assets(page: Page) -> None:
    """Have the page told of that many assets, in pages as the gateway has them."""
    await _told(page, "**/api/admin/assets?*", 60, ASSETS, _asset)


async def plenty_of_entries(page: Page) -> None:
    """Have the page told of that many entries of the trail."""
    await _told(page, "**/api/admin/audit?*", 100, ENTRIES, _entry)


async def _told(page: Page, url: str, size: int, number: int, make: Callable[[int], Made]) -> None:
    async def answer(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        start = int(asked.get("cursor", ["0"])[0])
        end = min(number, start + size)
        items = [make(number - place) for place in range(start, end)]
        await route.fulfill(
            json={"items": items, "next_cursor": str(end) if end < number else None}
        )

    await page.route(url, answer)


def _asset(number: int) -> Made:
    absent = ("width", "height", "conversion_error", "conversion_error_code", "gif_url")
    urls = ("webm_url", "mp4_url", "thumbnail_url", "user_id", "assigned_at", "assigned_by")
    return dict.fromkeys((*absent, *urls, "created_by", "deleted_at", "duration_seconds")) | {
        "id": f"01a1fada-4838-7634-b0df-{number:012d}",
        "title": f"Asset {number}",
        "filename": f"{number}.mp4",
        "size_bytes": 1000,
        "sha256": "00",
        "conversion_status": "completed",
        "progress": 100,
        "active_assignment_count": 0,
        "created_at": f"2026-01-01T00:00:00.{number:06d}Z",
    }


def _entry(number: int) -> Made:
    absent = ("user_id", "asset_id", "asset", "previous_asset_id", "assignment_id", "reason")
    return dict.fromkeys((*absent, "operation_id", "metadata")) | {
        "id": f"01a1fada-4838-7634-b0df-{number:012d}",
        "seq": number,
        "action": "entries_archived",
        "performed_by": "00000000-0000-0000-0000-000000000000",
        "performed_at": "2026-01-01T00:00:00.000000Z",
        "recorded_at": "2026-01-01T00:00:00.000000Z",
        "event_id": f"01a1fada-4838-7634-b0de-{number:012d}",
        "admin": {"id": None, "kind": "system", "email": None, "name": "System"},
    }
