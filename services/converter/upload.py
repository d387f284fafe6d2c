"""Taking an upload in: streamed to a spool file, counted, hashed and looked at on the way."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from aiohttp import BodyPartReader, web

from services.converter.behind import Behind, in_thread
from services.converter.domain.probe import NotIsoMedia, looks_like_iso_media
from shared.contracts.refusal import Refusal
from shared.web.problems import InvalidInput, UnsupportedMediaType, invalid_field

FIELD = "file"
RAW_TYPES = frozenset({"video/mp4", "video/quicktime", "application/octet-stream"})
LONGEST_NAME = 200
DEFAULT_NAME = "upload.mp4"
BEGINNING = 12  # bytes that tell whether it is worth reading on

_BATCH = 1024 * 1024  # bytes written and hashed in one go, off the event loop
_AT_ONCE = 64 * 1024  # bytes that are written sooner than a thread is asked to
_FORM_OVERHEAD = 64 * 1024  # what boundaries, part headers and a title may add to a form
_MOST_PARTS = 20  # fields of a form, of which two mean something
_PATIENCE = 30.0  # seconds in which something more must arrive
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class TooLarge(Refusal):
    """The file is larger than this installation takes."""

    code = "too_large"
    status = 413
    title = "The file is too large"


class EmptyUpload(Refusal):
    """There is nothing in it."""

    code = "empty_upload"
    status = 400
    title = "The file is empty"


class UploadStalled(Refusal):
    """The sender paused for too long."""

    code = "upload_stalled"
    status = 408
    title = "The upload stalled"


@dataclass(frozen=True, slots=True)
class Received:
    """A whole upload in the spool file."""

    title: str
    filename: str
    size_bytes: int
    sha256: str


async def receive(
    request: web.Request, spool: Path, *, limit: int, filename: str | None, title: str | None
) -> Received:
    """Write the file of a form, or a raw body, into ``spool``; at most ``limit`` bytes.

    Refuses as early as it can tell: by the declared length, by the first bytes, by the first
    byte too many.
    """
    if request.content_type == "multipart/form-data":
        _check_length(request, limit + _FORM_OVERHEAD, limit)
        return await _receive_form(request, spool, limit=limit, title=title)
    if request.content_type not in RAW_TYPES:
        raise UnsupportedMediaType("Send multipart/form-data, or video/mp4 with ?filename=.")
    _check_length(request, limit, limit)
    size, digest = await _spool(request.content.iter_any(), spool, limit)
    return received(filename, title, size, digest)


def _check_length(request: web.Request, most: int, limit: int) -> None:
    if request.content_length is not None and request.content_length > most:
        raise too_large(limit)


def too_large(limit: int) -> TooLarge:
    """The refusal of a file of more than ``limit`` bytes."""
    return TooLarge(f"The file has more than {limit} bytes.", limit=limit)


async def _receive_form(
    request: web.Request, spool: Path, *, limit: int, title: str | None
) -> Received:
    found: tuple[str | None, int, str] | None = None
    parts = 0
    try:
        form = await request.multipart()
        async for part in form:
            if not isinstance(part, BodyPartReader):
                raise InvalidInput("A form within the form is not understood.")
            parts += 1
            if parts > _MOST_PARTS:
                raise InvalidInput(f"The form has more than {_MOST_PARTS} fields.")
            if part.name == "title":
                title = await _short_text(part)
            elif part.name == FIELD and found is None:
                found = (part.filename, *await _spool(_chunks(part), spool, limit))
            else:
                await _pass_over(part)
    except ValueError as error:  # aiohttp's word for a form it cannot read
        raise InvalidInput("The form could not be read.") from error
    if found is None:
        missing = invalid_field((FIELD,), "Field required")
        raise InvalidInput(f"The form has no field {FIELD!r}.", errors=[missing])
    return received(found[0], title, *found[1:])


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(256 * 1024):
        yield chunk


async def _pass_over(part: BodyPartReader) -> None:
    """Read what nobody asked for, if it is small."""
    size = 0
    async for chunk in _chunks(part):
        size += len(chunk)
        if size > _FORM_OVERHEAD:
            raise InvalidInput("The form holds too much besides its file.")


async def _short_text(part: BodyPartReader) -> str:
    content = bytearray()
    async for chunk in _chunks(part):
        content += chunk
        if len(content) > 4 * LONGEST_NAME:
            break
    text = content.decode(errors="replace")
    if len(text) > LONGEST_NAME:
        wrong = invalid_field(("title",), f"at most {LONGEST_NAME} characters")
        raise InvalidInput("The title is too long.", errors=[wrong])
    return text


async def _spool(chunks: AsyncIterator[bytes], spool: Path, limit: int) -> tuple[int, str]:
    """Write and hash in batches, in a thread, while the next one arrives."""
    digest, size, batch, held = hashlib.sha256(), 0, list[bytes](), 0
    with spool.open("wb") as file:

        def write(batch: list[bytes]) -> None:
            for chunk in batch:
                file.write(chunk)
                digest.update(chunk)

        async with Behind() as behind:
            async for chunk in steady(chunks):
                size += len(chunk)
                held += len(chunk)
                batch.append(chunk)
                if size > limit:
                    raise too_large(limit)
                if size - len(chunk) < BEGINNING <= size:
                    check_beginning(b"".join(batch))
                if held >= _BATCH:
                    await behind.give(in_thread(write, batch))
                    batch, held = [], 0
            if not size:
                raise EmptyUpload("The file has no bytes.")
            if size < BEGINNING:
                check_beginning(b"".join(batch))
            if held > _AT_ONCE:
                await behind.give(in_thread(write, batch))
                batch = []
        write(batch)
    return size, digest.hexdigest()


def check_beginning(content: bytes) -> None:
    """Raises NotIsoMedia for a file that begins so."""
    if not looks_like_iso_media(content[:BEGINNING]):
        raise NotIsoMedia("The file is not an ISO media file (MP4 or QuickTime).")


async def steady(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, as long as they keep coming."""
    try:
        while True:
            async with asyncio.timeout(_PATIENCE):
                chunk = await anext(chunks)
            yield chunk
    except StopAsyncIteration:
        return
    except TimeoutError as error:
        raise UploadStalled(f"Nothing arrived for {_PATIENCE:.0f} seconds.") from error


def received(filename: str | None, title: str | None, size: int, digest: str) -> Received:
    """A whole upload, with a title and a file name that can be shown."""
    name = _base_name(filename)
    given = _printable(title or "")
    return Received(given or PurePosixPath(name).stem, name, size, digest)


def _base_name(filename: str | None) -> str:
    """The last part of what a browser on any system calls the file."""
    name = PureWindowsPath(PurePosixPath(filename or "").name).name
    return _printable(name) or DEFAULT_NAME


def _printable(text: Any) -> str:
    return _UNPRINTABLE.sub("", text).strip()[:LONGEST_NAME]
