"""Renditions by signed URL: whole, in ranges, or only if they changed.

Source: RFC 9110, sections 13 (conditional requests) and 14 (range requests).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import hdrs, web

from shared.blobs.port import Blob, BlobNotFound, Blobs
from shared.blobs.signing import ExpiredUrl, ForgedUrl, MediaSigner
from shared.contracts.refusal import Refusal
from shared.web import Answer, Call, Media, Routes

_ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)

_SANDBOX = "sandbox; default-src 'none'"
"""Uploaded by people, so it must not run even where a browser thinks it could."""


class NoSuchMedia(Refusal):
    """The URL is good, but what it names is gone."""

    code = "media_not_found"
    status = 404
    title = "No such media"


class RangeNotSatisfiable(Refusal):
    """The range begins after the end of the file."""

    code = "range_not_satisfiable"
    status = 416
    title = "Range not satisfiable"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the route works with. ``now`` is Unix time in seconds."""

    blobs: Blobs
    signer: MediaSigner
    now: Callable[[], float]


routes = Routes("Media")

_FILE = Media("video/mp4", "video/webm", "image/gif", "image/jpeg", schema={"type": "string"})


@routes.get(
    "/media/{path:.+}",
    access="public",
    answers={200: _FILE, 206: _FILE, 302: None, 304: None},
    refusals=[ForgedUrl, ExpiredUrl, NoSuchMedia, RangeNotSatisfiable],
)
async def media(call: Call[Parts], path: str) -> web.StreamResponse | Answer:  # noqa: ARG001
    """A rendition, by the URL an asset names; the signature stands for a login."""
    object_key = call.parts.signer.check(call.request.rel_url.raw_path_qs)
    seconds = int(int(call.request.query["expires"]) - call.parts.now())
    try:
        return await _answer(call, object_key, max(seconds, 1))
    except BlobNotFound:
        raise NoSuchMedia("This rendition is not stored any more.") from None


async def _answer(call: Call[Parts], key: str, seconds: int) -> web.StreamResponse | Answer:
    blobs, request = call.parts.blobs, call.request
    blob = await blobs.stat(key)
    caching = {hdrs.CACHE_CONTROL: f"private, max-age={seconds}, immutable"}
    elsewhere = await blobs.presign(key, seconds=seconds, content_type=blob.content_type)
    if elsewhere is not None:
        return Answer(302, headers={hdrs.LOCATION: elsewhere})
    headers = caching | {
        hdrs.ETAG: f'"{blob.etag}"',
        hdrs.LAST_MODIFIED: format_datetime(blob.modified, usegmt=True),
        hdrs.ACCEPT_RANGES: "bytes",
        "Content-Security-Policy": _SANDBOX,
    }
    if _unchanged(request, blob):
        return Answer(304, headers=headers)
    return await _stream(request, blobs, blob, headers | {hdrs.CONTENT_TYPE: blob.content_type})


async def _stream(
    request: web.Request, blobs: Blobs, blob: Blob, headers: dict[str, str]
) -> web.StreamResponse | Answer:
    part = _range(request, blob)
    start, end = part or (0, blob.size)
    if start >= end and part:
        raise RangeNotSatisfiable(f"The file has {blob.size} bytes.", size=blob.size)
    if part:
        headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{end - 1}/{blob.size}"
    headers[hdrs.CONTENT_LENGTH] = str(end - start)
    response = web.StreamResponse(status=206 if part else 200, headers=headers)
    if request.method == hdrs.METH_HEAD or blob.size == 0:
        await response.prepare(request)
        return response
    async with blobs.read(blob.key, start=start, end=end) as download:
        await response.prepare(request)
        async for chunk in download.chunks:
            await response.write(chunk)
    await response.write_eof()
    return response


def _unchanged(request: web.Request, blob: Blob) -> bool:
    """Whether the client has it already; the etag is asked before the date (section 13.2.2)."""
    if hdrs.IF_NONE_MATCH in request.headers:
        given = request.headers[hdrs.IF_NONE_MATCH]
        tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
        return "*" in tags or f'"{blob.etag}"' in tags
    return _not_after(blob, request.headers.get(hdrs.IF_MODIFIED_SINCE))


def _range(request: web.Request, blob: Blob) -> tuple[int, int] | None:
    """Start and end of the one range asked for; None for the whole, as for what is no range."""
    asked = _ONE_RANGE.fullmatch(request.headers.get(hdrs.RANGE, ""))
    if asked is None or not any(asked.groups()) or not _if_range(request, blob):
        return None
    first, last = asked.groups()
    if not first:
        return max(0, blob.size - int(last)), blob.size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, blob.size) if last else blob.size


def _if_range(request: web.Request, blob: Blob) -> bool:
    """Whether the client's part is one of this very file."""
    condition = request.headers.get(hdrs.IF_RANGE)
    if condition is None or condition == f'"{blob.etag}"':
        return True
    return condition == format_datetime(blob.modified, usegmt=True)


def _not_after(blob: Blob, date: str | None) -> bool:
    try:
        return date is not None and blob.modified.replace(microsecond=0) <= parsedate_to_datetime(
            date
        )
    except (TypeError, ValueError):
        return False
