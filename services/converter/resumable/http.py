"""The routes of tus 1.0."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from uuid import UUID

from aiohttp import hdrs, web
from pydantic import BaseModel, Field

from services.converter.domain import tus
from services.converter.domain.probe import (
    Encrypted,
    NotIsoMedia,
    NoVideo,
    TooManyPixels,
    Truncated,
    Undecodable,
)
from services.converter.domain.tus import (
    BeyondLength,
    BrokenOff,
    Checksum,
    ChecksumMismatch,
    InvalidHeader,
    Metadata,
    OffsetMismatch,
    TooManyParts,
    TooManyUploads,
    UnsupportedVersion,
    UploadGone,
    UploadNotFound,
)
from services.converter.resumable.rows import Upload
from services.converter.resumable.uploads import PartsLost, Uploads
from services.converter.upload import EmptyUpload, TooLarge, UploadStalled
from shared.db import Tx
from shared.web import Answer, Call, Header, Media, Routes
from shared.web.idempotency import REPLAYED
from shared.web.problems import MethodNotAllowed, UnsupportedMediaType

COLLECTION = "/api/admin/uploads"
ONE = "/api/admin/uploads/{upload_id}"

_OVERRIDE = "X-HTTP-Method-Override"
_BINARY = {"type": "string", "format": "binary"}
_BYTES = Media(tus.OFFSET_STREAM, schema=_BINARY)
_MAYBE_BYTES = Media(tus.OFFSET_STREAM, schema=_BINARY, optional=True)
_COUNT = {"type": "integer", "minimum": 0}

_SPEAKS = Header("Tus-Resumable", {"const": tus.VERSION}, required=True)
_LENGTH = Header("Upload-Length", _COUNT, required=True)
_OFFSET = Header("Upload-Offset", _COUNT, required=True)
_METADATA = Header("Upload-Metadata", description="`filename` and `title`, as base64.")
_CHECKSUM = Header("Upload-Checksum", description="`sha256`, `sha1` or `md5`, and the base64.")

_UNCONVERTIBLE = (
    *(NotIsoMedia, Truncated, Encrypted, NoVideo, TooManyPixels, Undecodable, PartsLost),
)
_FINDING = (UnsupportedVersion, InvalidHeader, UploadNotFound, UploadGone)
_TAKING = (
    *(InvalidHeader, ChecksumMismatch, BeyondLength, TooManyParts, UploadStalled),
    *(BrokenOff, OffsetMismatch, UnsupportedMediaType, *_UNCONVERTIBLE),
)


class UploadView(BaseModel):
    """A resumable upload: all bytes before ``offset`` are safe.

    ``asset_id`` is there once it is complete. Nothing may come for 24 hours before it expires.
    """

    id: UUID
    length: int
    offset: int
    filename: str | None
    title: str | None
    created_at: datetime
    expires_at: datetime
    asset_id: UUID | None = Field(None, examples=[None])

    @classmethod
    def of(cls, upload: Upload) -> UploadView:
        """What is shown of an upload."""
        return cls(
            id=upload.id,
            length=upload.length,
            offset=upload.offset,
            filename=upload.metadata.filename,
            title=upload.metadata.title,
            created_at=upload.created_at,
            expires_at=upload.expires_at,
            asset_id=upload.asset_id,
        )


routes = Routes("Uploads", headers={"Tus-Resumable": tus.VERSION})


@routes.options(COLLECTION, access="public", answers={204: None})
async def describe_uploads(call: Call[Uploads]) -> Answer:
    """Ask what resumable uploads can do.

    The answer's headers tell version, extensions, checksum algorithms and the largest size.
    """
    return _abilities(call)


@routes.options(ONE, access="public", answers={204: None})
async def describe_upload(call: Call[Uploads], upload_id: UUID) -> Answer:  # noqa: ARG001
    """Ask what resumable uploads can do."""
    return _abilities(call)


@routes.post(
    COLLECTION,
    answers={201: UploadView},
    refusals=[UnsupportedVersion, TooLarge, EmptyUpload, TooManyUploads, *_TAKING],
    headers=[_SPEAKS, _LENGTH, _METADATA, _CHECKSUM],
    accepts=[_MAYBE_BYTES],
    idempotent=True,
)
async def begin_upload(call: Call[Uploads]) -> Answer:
    """Begin a resumable upload (tus 1.0), with its first bytes if you like.

    ``Location`` is where they go. If they are all of it, ``Content-Location`` is the new asset.
    """
    _check_version(call)
    length, metadata = _announced(call.request)
    with_bytes = _brings_bytes(call.request)
    checksum = _checksum(call.request)

    async def begin(tx: Tx) -> Answer:
        upload = await call.parts.begin(tx, length, metadata)
        return Answer(201, None, {"Location": f"{COLLECTION}/{upload.id}"})

    begun = await call.about("tus", str(length), metadata.raw).once(call.parts.database, begin)
    call.headers.update(begun.headers)
    ident = UUID(begun.headers["Location"].rpartition("/")[2])
    if with_bytes and REPLAYED not in begun.headers:  # else the client goes on where we are
        with _telling(call):
            await call.parts.append(call.context, ident, 0, call.request, checksum)
    upload = await call.parts.find(call.context, ident)
    call.headers.update(_progress(upload))
    return Answer(201, UploadView.of(upload))


@routes.get(ONE, answers={200: UploadView}, refusals=_FINDING, headers=[_SPEAKS])
async def show_upload(call: Call[Uploads], upload_id: UUID) -> UploadView:
    """Show how far a resumable upload is.

    ``Upload-Offset`` is where to go on; when all has come, ``Content-Location`` is the asset.
    """
    _check_version(call)
    upload = await call.parts.find(call.context, upload_id)
    call.headers.update(_progress(upload))
    call.headers["Upload-Length"] = str(upload.length)
    if upload.metadata.raw:
        call.headers["Upload-Metadata"] = upload.metadata.raw
    return UploadView.of(upload)


@routes.patch(
    ONE,
    answers={204: None},
    refusals=[*_FINDING, *_TAKING],
    headers=[_SPEAKS, _OFFSET, _CHECKSUM],
    accepts=[_BYTES],
)
async def continue_upload(call: Call[Uploads], upload_id: UUID) -> Answer:
    """Send more of a resumable upload.

    The last byte makes it an asset: ``Content-Location`` says which. A file that cannot be
    converted is refused then, and its upload is gone.
    """
    return await _continue(call, upload_id)


@routes.delete(ONE, answers={204: None}, refusals=_FINDING, headers=[_SPEAKS])
async def terminate_upload(call: Call[Uploads], upload_id: UUID) -> Answer:
    """Give up a resumable upload; an asset it has already become stays."""
    return await _terminate(call, upload_id)


@routes.post(
    ONE,
    answers={204: None},
    refusals=[*_FINDING, *_TAKING, MethodNotAllowed],
    headers=[_SPEAKS, Header(_OVERRIDE, {"enum": ["PATCH", "DELETE"]}, required=True)],
    accepts=[_MAYBE_BYTES],
)
async def override_method(call: Call[Uploads], upload_id: UUID) -> Answer:
    """PATCH or DELETE a resumable upload from where only GET and POST can be sent."""
    _check_version(call)
    match _header(call.request, _OVERRIDE):
        case hdrs.METH_PATCH:
            return await _continue(call, upload_id)
        case hdrs.METH_DELETE:
            return await _terminate(call, upload_id)
    allowed = [hdrs.METH_DELETE, hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS, hdrs.METH_PATCH]
    raise MethodNotAllowed(f"POST needs {_OVERRIDE}: PATCH or DELETE.", allowed=allowed)


async def _continue(call: Call[Uploads], upload_id: UUID) -> Answer:
    _check_version(call)
    if call.request.content_type != tus.OFFSET_STREAM:
        raise UnsupportedMediaType(f"Send {tus.OFFSET_STREAM}.")
    offset = tus.count("Upload-Offset", _header(call.request, "Upload-Offset"))
    checksum = _checksum(call.request)
    with _telling(call):
        upload = await call.parts.append(call.context, upload_id, offset, call.request, checksum)
    call.headers.update(_progress(upload))
    return Answer(204)


async def _terminate(call: Call[Uploads], upload_id: UUID) -> Answer:
    _check_version(call)
    await call.parts.terminate(call.context, upload_id)
    return Answer(204)


def _abilities(call: Call[Uploads]) -> Answer:
    told = {
        "Tus-Version": tus.VERSION,
        "Tus-Extension": ",".join(tus.EXTENSIONS),
        "Tus-Max-Size": str(call.parts.limit),
        "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
    }
    return Answer(204, headers=told)


def _check_version(call: Call[Uploads]) -> None:
    try:
        tus.check_version(_header(call.request, "Tus-Resumable"))
    except UnsupportedVersion:
        call.headers["Tus-Version"] = tus.VERSION
        raise


def _announced(request: web.Request) -> tuple[int, Metadata]:
    if "Upload-Defer-Length" in request.headers:
        raise InvalidHeader("Upload-Length must be known.", header="Upload-Defer-Length")
    length = tus.count("Upload-Length", _header(request, "Upload-Length"))
    return length, tus.metadata(_header(request, "Upload-Metadata") or "")


def _brings_bytes(request: web.Request) -> bool:
    """Whether the first bytes come along. Raises UnsupportedMediaType for any other body."""
    if not request.body_exists:
        return False
    if request.content_type != tus.OFFSET_STREAM:
        raise UnsupportedMediaType(f"Send {tus.OFFSET_STREAM}, or no body.")
    return True


def _checksum(request: web.Request) -> Checksum | None:
    text = _header(request, "Upload-Checksum")
    return None if text is None else tus.checksum(text)


def _header(request: web.Request, name: str) -> str | None:
    values = request.headers.getall(name, [])
    if len(values) > 1:
        raise InvalidHeader(f"{name} was sent more than once.", header=name)
    return values[0] if values else None


def _progress(upload: Upload) -> dict[str, str]:
    told = {"Upload-Offset": str(upload.offset)}
    if upload.asset_id:
        told["Content-Location"] = f"/api/admin/assets/{upload.asset_id}"
    else:
        told["Upload-Expires"] = format_datetime(upload.expires_at.astimezone(UTC), usegmt=True)
    return told


@contextmanager
def _telling(call: Call[Uploads]) -> Iterator[None]:
    """Who asks for the wrong place is told the right one, and what became of it all."""
    try:
        yield
    except OffsetMismatch as refusal:
        call.headers["Upload-Offset"] = str(refusal.extra["offset"])
        if asset_id := refusal.extra["asset_id"]:
            call.headers["Content-Location"] = f"/api/admin/assets/{asset_id}"
        raise
