"""The journey every installation must be able to make: one upload travels the whole way."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import uuid4

import av

from harness.client import Client, Json
from harness.waiting import eventually

RENDITIONS = ("thumbnail", "mp4", "gif", "poster_best", "webm")


@dataclass(frozen=True)
class Travelled:
    """What the journey made, for whoever goes on from there."""

    asset: Json
    users: list[Json]
    assignment: Json


async def travel(
    client: Client, clip: Path, pass_window: Callable[[], Awaitable[None]]
) -> Travelled:
    """Upload, watch, download, assign, undo, be refused after 30 s, read and verify the trail."""
    users = [await client.create_user(f"{name}-{uuid4().hex[:8]}@example.com") for name in "ab"]
    asset = await convert(client, clip)
    await check_renditions(client, asset)
    await assign_and_undo(client, asset, users[0])
    assignment = await miss_the_window(client, asset, users[1], pass_window)
    await read_history(client, asset, users[0])
    await verify(client)
    return Travelled(asset, users, assignment)


async def convert(client: Client, clip: Path) -> Json:
    """Upload a clip and see each of its steps on the WebSocket, as they happen."""
    async with client.socket("assets") as socket:
        created = await client.upload(clip, title="Aurora")
        ident = created["id"]
        assert created["conversion_status"] == "pending"
        assert created["webm_url"] is None
        await socket.event("converter.asset.status_changed", asset_id=ident, status="completed")
        steps = [
            (data["previous_status"], data["status"])
            for data in socket.events("converter.asset.status_changed")
            if data["asset_id"] == ident
        ]
        ready = [
            data
            for data in socket.events("converter.asset.rendition_ready")
            if data["asset_id"] == ident
        ]
        progress = [
            data["percent"]
            for data in socket.events("converter.asset.progress")
            if data["asset_id"] == ident
        ]
    assert steps == [("pending", "processing"), ("processing", "completed")]
    assert sorted(data["rendition"] for data in ready) == sorted(RENDITIONS)
    assert progress == sorted(progress)
    assert progress[-1] == 100
    asset = await client.asset(ident)
    assert {data["rendition"]: data["url"] for data in ready} == {
        name: asset[f"{name}_url"] for name in RENDITIONS
    }
    return asset


async def check_renditions(client: Client, asset: Json) -> None:
    """Download each rendition without a token and look inside."""
    webm = await _probe(client, asset["webm_url"])
    assert webm.format == "matroska,webm"
    assert webm.codecs == {"video": "av1", "audio": "opus"}
    assert max(webm.size) <= 1920
    assert min(webm.size) <= 1080

    mp4 = await _probe(client, asset["mp4_url"])
    assert mp4.codecs == {"video": "h264", "audio": "aac"}
    assert mp4.data.index(b"moov") < mp4.data.index(b"mdat"), "not faststart"

    gif = await _probe(client, asset["gif_url"])
    assert gif.format == "gif"
    assert gif.seconds <= 10.1

    for name in ("thumbnail", "poster_best"):
        still = await _probe(client, asset[f"{name}_url"])
        assert still.codecs == {"video": "mjpeg"}
        assert still.size == (1920, 1080)

    status, part, _ = await client.fetch(asset["mp4_url"], Range="bytes=4-11")
    assert (status, part) == (206, mp4.data[4:12])


async def assign_and_undo(client: Client, asset: Json, user: Json) -> None:
    """Assign, see the event, take it back, and find everything as it was."""
    async with client.socket(f"asset:{asset['id']}", "operations") as socket:
        assignment = await _assign(client, asset, user, expect=201)
        await socket.event("assignment.asset.assigned", assignment_id=assignment["id"])
        again = await _assign(client, asset, user, expect=200)
        assert (again["id"], again["unchanged"]) == (assignment["id"], True)
        shown = await client.asset(asset["id"])
        assert (shown["user_id"], shown["active_assignment_count"]) == (user["id"], 1)

        undone = await client.post(f"/api/admin/assets/{asset['id']}/undo-assign", expect=200)
        assert undone["operation_id"] == assignment["operation_id"]
        await socket.event("assignment.asset.unassigned", assignment_id=assignment["id"])
        await socket.event("assignment.operation.undone", operation_id=assignment["operation_id"])
    shown = await client.asset(asset["id"])
    assert (shown["user_id"], shown["active_assignment_count"]) == (None, 0)
    current = await client.get(f"/api/admin/users/{user['id']}/assignment")
    assert current == {"assignment": None}


async def miss_the_window(
    client: Client, asset: Json, user: Json, pass_window: Callable[[], Awaitable[None]]
) -> Json:
    """Assign, let 30 seconds pass, and be refused."""
    assignment = await _assign(client, asset, user, expect=201)
    await pass_window()
    problem = await client.post(f"/api/admin/assets/{asset['id']}/undo-assign", expect=400)
    assert problem["code"] == "undo_window_expired"
    current = await client.get(f"/api/admin/users/{user['id']}/assignment")
    assert current["assignment"]["id"] == assignment["id"]
    return assignment


async def read_history(client: Client, asset: Json, user: Json) -> None:
    """A user's history tells what was done, newest first, by whom and with which asset."""

    async def told() -> None:
        page = await client.get(f"/api/admin/users/{user['id']}/assignment-history")
        entries = [entry for entry in page["history"] if entry["asset_id"] == asset["id"]]
        assert [entry["action"] for entry in entries] == ["undone", "assigned"]
        assert all(entry["asset"]["title"] == asset["title"] for entry in entries)
        assert all(entry["asset"]["thumbnail_url"] for entry in entries)
        assert all(entry["admin"]["email"] for entry in entries)

    await eventually(told, within=1)


async def verify(client: Client) -> None:
    """The chain of the audit trail holds."""
    verdict = await client.get("/api/admin/audit/verify")
    assert (verdict["ok"], verdict["first_bad"]) == (True, None)
    assert verdict["entries"] > 0


async def _assign(client: Client, asset: Json, user: Json, *, expect: int) -> Json:
    path = f"/api/admin/assets/{asset['id']}/assign"
    return await client.post(path, {"user_id": user["id"]}, expect=expect)


@dataclass(frozen=True)
class Probed:
    """What is inside a rendition."""

    data: bytes
    format: str
    codecs: dict[str, str]
    size: tuple[int, int]
    seconds: float


async def _probe(client: Client, url: str) -> Probed:
    status, data, _ = await client.fetch(url)
    assert status == 200, (status, data[:500], url)
    with av.open(io.BytesIO(data), "r") as container:
        codecs: dict[str, Any] = {s.type: s.codec_context.name for s in container.streams}
        codecs = {kind: _CODECS.get(name, name) for kind, name in codecs.items()}
        picture = container.streams.video[0]
        size = (picture.codec_context.width, picture.codec_context.height)
        seconds = float(Fraction(container.duration or 0, av.time_base))
        return Probed(data, container.format.name, codecs, size, seconds)


_CODECS = {"libdav1d": "av1", "libopus": "opus"}
"""PyAV names the decoder it would use."""
